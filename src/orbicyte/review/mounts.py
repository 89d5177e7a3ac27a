"""The kind of file system that holds a path: SQLite's write-ahead log needs memory shared by all its processes."""

import re
from pathlib import Path

MOUNTS = Path("/proc/mounts")

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
        *("davfs", "vboxsf", "prl_fs", "drvfs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.rclone"),
        *("fuse.davfs", "fuse.smbnetfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.vmhgfs-fuse"),
    }
)


def network_share(path: Path) -> str | None:
    """The type of the network file system that holds ``path``, such as ``nfs4``; None on a disk of this machine.

    Read from ``/proc/mounts``; without that file, only a Windows share (``\\\\host\\share``) is recognised.
    """
    resolved = path.resolve()
    if not MOUNTS.exists():
        return "smb" if str(resolved).startswith("\\\\") else None
    lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    mounts = [(_plain(point), kind) for _, point, kind, *_ in map(str.split, lines)]
    holding = [(len(point), line, kind) for line, (point, kind) in enumerate(mounts) if resolved.is_relative_to(point)]
    kind = max(holding)[2] if holding else ""  # of several mounts at one point the last is in force
    return kind if kind in NETWORK else None


def _plain(point: str) -> str:
    """A mount point with its octal escapes, such as those of spaces, decoded."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), point)
