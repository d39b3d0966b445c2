"""Small files in the real formats of CIFAR, for tests: a few images, everything else as it is published."""

from __future__ import annotations

import io
import struct
import tarfile
from pathlib import Path

import numpy as np

from akidlab.sources.cifar_format import Archive


def rows(archive: Archive, seed: int = 0, number: int = 4) -> dict[str, np.ndarray]:
    """For each file of the archive its rows of bytes: the labels, then the pixels."""
    random = np.random.default_rng(seed)
    made = {}
    for name in (*archive.train, *archive.test):
        labels = random.integers(0, 10, (number, len(archive.labels)))
        pixels = random.integers(0, 256, (number, 3072))
        made[name] = np.concatenate([labels, pixels], axis=1).astype(np.uint8)
    return made


def content(archive: Archive, file: np.ndarray) -> bytes:
    """A file of the archive that holds these rows."""
    if archive.binary:
        return file.tobytes()
    count = len(archive.labels)
    labels = {name: file[:, i].tolist() for i, name in enumerate(archive.labels)}
    return python2_pickle(labels, file[:, count:])


def put(folder: Path, archive: Archive, files: dict[str, np.ndarray]) -> Path:
    """Write the files as the archive has them; gives their folder."""
    place = folder / archive.folder
    place.mkdir(parents=True)
    for name, file in files.items():
        (place / name).write_bytes(content(archive, file))
    return place


def packed(archive: Archive, files: dict[str, np.ndarray]) -> bytes:
    """The archive itself, with a file that nobody needs."""
    stream = io.BytesIO()
    contents = {"readme.html": b"hello", **{name: content(archive, file) for name, file in files.items()}}
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as tar:
        for name, data in contents.items():
            info = tarfile.TarInfo(f"{archive.folder}/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def python2_pickle(labels: dict[str, list[int]], data: np.ndarray) -> bytes:
    """A batch as Python 2 and the NumPy of 2009 pickled it, opcode by opcode."""

    def text(value: str) -> bytes:
        return b"U" + bytes([len(value)]) + value.encode()

    def number(value: int) -> bytes:
        return b"J" + struct.pack("<i", value)

    def items(values: list[int]) -> bytes:
        return b"](" + b"".join(map(number, values)) + b"e"

    raw = data.tobytes()
    dtype = b"cnumpy\ndtype\n" + text("u1") + b"K\x00K\x01\x87R(K\x03" + text("|") + b"NNN"
    dtype += number(-1) + number(-1) + b"K\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text("b") + b"\x87R"
    array += b"(K\x01" + number(data.shape[0]) + number(data.shape[1]) + b"\x86" + dtype + b"\x89"
    array += b"T" + struct.pack("<i", len(raw)) + raw + b"tb"
    entries = b"".join(text(name) + items(values) for name, values in labels.items())
    entries = text("batch_label") + text("testing batch 1 of 1") + entries + text("data") + array
    return b"\x80\x02}(" + entries + b"u."
