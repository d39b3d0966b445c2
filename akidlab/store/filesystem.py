"""Which file system a folder lies on: SQLite's write-ahead log needs memory shared by all who open it."""

from __future__ import annotations

from pathlib import Path

_NETWORK = {
    "9p", "afs", "beegfs", "ceph", "cifs", "drvfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
    "panfs", "smb", "smb2", "smb3", "smbfs", "virtiofs", "vboxsf", "webdav",
}  # fmt: skip


def has_shared_memory(folder: Path, mounts: str | None = None) -> bool:
    """False where processes on several hosts may write to `folder` (NFS, GlusterFS, FUSE, ...).

    Args:
        folder: an existing folder.
        mounts: lines as in `/proc/mounts`; read from the system when left out.

    Example:
        >>> has_shared_memory(Path("/data/runs"), "server:/x /data nfs4 rw 0 0")
        False
    """
    kind = file_system(folder, mounts)
    return not (kind in _NETWORK or kind.startswith("fuse"))


def file_system(folder: Path, mounts: str | None = None) -> str:
    """The type of the file system that holds `folder`, empty if that cannot be told."""
    path, best, kind = str(folder.resolve()), "", ""
    for line in (_system_mounts() if mounts is None else mounts).splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ")
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):  # a later mount hides an earlier one
            best, kind = point, fields[2].lower()
    return kind


def _system_mounts() -> str:
    table = Path("/proc/self/mounts")
    if table.exists():
        return table.read_text(errors="replace")
    import psutil

    disks = psutil.disk_partitions(all=True)
    return "\n".join(f"- {disk.mountpoint.replace(' ', chr(92) + '040')} {disk.fstype}" for disk in disks)
