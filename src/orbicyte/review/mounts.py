"""The kind of file system that holds a path: SQLite's write-ahead log needs memory shared by all its processes."""

from pathlib import Path

import psutil

NETWORK = frozenset(
    {
        *(
            "nfs",
            "nfs4",
            "cifs",
            "smb3",
            "smbfs",
            "9p",
            "afs",
            "ceph",
            "glusterfs",
            "lustre",
            "beegfs",
            "gpfs",
            "ncpfs",
        ),
        *("afpfs", "webdav"),  # macOS
        *("davfs", "vboxsf", "prl_fs", "drvfs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.rclone"),
        *("fuse.davfs", "fuse.smbnetfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.vmhgfs-fuse"),
    }
)


def network_share(path: Path) -> str | None:
    """The type of the network file system that holds ``path``, such as ``nfs4``; None on a disk of this machine.

    Where the system does not list its mounts, only a Windows share (``\\\\host\\share``) is recognised.
    """
    resolved = path.resolve()
    if str(resolved).startswith("\\\\"):
        return "smb"
    try:
        mounts = psutil.disk_partitions(all=True)
    except OSError:
        return None
    holding = [mount for mount in mounts if resolved.is_relative_to(mount.mountpoint)]
    # Of several mounts at one point the last is effective.
    kind = max(reversed(holding), key=lambda mount: len(mount.mountpoint)).fstype if holding else ""
    return kind if kind in NETWORK else None
