"""Which file systems share memory between all who open a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from akidlab.store.filesystem import file_system, has_shared_memory

MOUNTS = """\
/dev/vda / ext4 rw 0 0
tmpfs /tmp tmpfs rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb /home/local xfs rw 0 0
//nas/x /mnt/my\\040disk cifs rw 0 0
gluster /srv/vol fuse.glusterfs rw 0 0
sshfs /tmp/over fuse.sshfs rw 0 0
/dev/sdc /tmp/over btrfs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind", "shared"),
    [
        ("/work", "ext4", True),
        ("/tmp/x", "tmpfs", True),
        ("/home/ann/akid_runs", "nfs4", False),
        ("/home/local/x", "xfs", True),
        ("/homework", "ext4", True),
        ("/mnt/my disk/runs", "cifs", False),
        ("/srv/vol", "fuse.glusterfs", False),
        ("/tmp/over/x", "btrfs", True),
    ],
)
def test_the_innermost_and_latest_mount_counts(folder, kind, shared):
    assert file_system(Path(folder), MOUNTS) == kind
    assert has_shared_memory(Path(folder), MOUNTS) is shared


def test_a_system_without_a_table_of_mounts_is_taken_for_local():
    assert has_shared_memory(Path("/x"), "")


def test_the_file_system_of_this_folder_is_known(tmp_path):
    assert file_system(tmp_path)
