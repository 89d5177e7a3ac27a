"""The kind of file system of a study."""

from pathlib import Path

import psutil
import pytest

from orbicyte.review.mounts import network_share

TABLE = """\
/dev/sda / ext4 rw 0 0
server:/work {0}/work nfs4 rw 0 0
/dev/sdb {0}/work/scratch xfs rw 0 0
//server/data {0}/with\\040blank cifs rw 0 0
tmpfs {0}/over tmpfs rw 0 0
me@host: {0}/over fuse.sshfs rw 0 0
host {0}/plan9 9p rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("work/study", "nfs4"),
        ("work/scratch/study", None),
        ("workshop", None),
        ("with blank/study", "cifs"),
        ("over", "fuse.sshfs"),
        ("plan9/a", "9p"),
        ("", None),
    ],
)
def test_the_innermost_mount_is_used(
    folder: str, kind: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "proc" / "self" / "mounts"
    table.parent.mkdir(parents=True)
    table.write_text(TABLE.format(tmp_path.resolve()))
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "proc"))
    assert network_share(tmp_path / folder) == kind


def test_without_a_table_of_mounts_a_local_disk_is_assumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "none"))
    assert network_share(tmp_path) is None
