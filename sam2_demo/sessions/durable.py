"""Files that outlive a kill, a loss of power and a full disk: written wholly or not at all, and named when damaged.

Files that are replaced are written beside their place, brought to the disk, and renamed. Files that grow hold lines of
JSON; each line carries a checksum, of the bytes that it points to as well, so that what a kill or a disk has spoiled
is told from what was written. An unfinished last line never swallows the next one.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
import time
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from sam2_demo.errors import StorageError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_CHECKSUM = "crc"
SECONDS_PER_FLUSH = 2.0


def storage_error(error: OSError) -> StorageError:
    """What a failed write means for a person; names no files."""
    if error.errno in _FULL:
        return StorageError("the disk of this server is full: this change was not made; everything before it is kept")
    if error.errno == errno.EROFS:
        return StorageError("the disk of this server can only be read now: nothing can be changed; looking works")
    why = os.strerror(error.errno) if error.errno else type(error).__name__
    return StorageError(f"the disk of this server fails ({why}): this change was not made; everything before is kept")


def replace_file(path: Path, content: bytes) -> None:
    """Have a file hold `content`, all of it or what it held before; StorageError where that fails."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        path.parent.mkdir(exist_ok=True, parents=True)
        with part.open("xb", buffering=0) as file:
            _write_all(file.fileno(), content)
            os.fsync(file.fileno())
        os.replace(part, path)
        with suppress(OSError):  # the change is made; only a loss of power within seconds could take it back
            sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise storage_error(error) from error


def sync_folder(folder: Path) -> None:
    """Bring the names of a folder's files to the disk; not every system can."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Appends:
    """Files that grow. What is appended within a `change` is taken back together where a part of it fails."""

    def __init__(self) -> None:
        self._guard = threading.RLock()
        self._before: dict[Path, int] | None = None
        self._waiting: set[Path] = set()
        self._flushed = time.monotonic()

    @contextmanager
    def change(self) -> Iterator[None]:
        """StorageError where an append fails; then every file is as it was before."""
        with self._guard:
            if self._before is not None:
                yield
                return
            self._before = {}
            try:
                yield
            except BaseException as error:
                for path, length in self._before.items():
                    with suppress(OSError):
                        os.truncate(path, length)
                if isinstance(error, OSError):
                    raise storage_error(error) from error
                raise
            finally:
                self._before = None

    def append(self, path: Path, content: bytes, is_line: bool, sync: bool) -> int:
        """Append bytes and say where they begin; a line begins at a line's start. `sync`: bring them to the disk now,
        else with the next `flush`."""
        with self.change():
            is_new = not path.exists()
            if is_new:
                path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                place = os.fstat(descriptor).st_size
                if self._before is not None:
                    self._before.setdefault(path, place)
                if is_line and place and not _ends_line(path):
                    content, place = b"\n" + content, place + 1
                _write_all(descriptor, content)
                if sync:
                    os.fsync(descriptor)
                    if is_new:
                        sync_folder(path.parent)
                else:
                    self._waiting.add(path)
                    if time.monotonic() > self._flushed + SECONDS_PER_FLUSH:
                        self.flush()
            finally:
                os.close(descriptor)
        return place

    def flush(self) -> None:
        """Bring to the disk what was appended without waiting for it; StorageError where that fails."""
        with self._guard:
            waiting, self._waiting, self._flushed = self._waiting, set(), time.monotonic()
        try:
            for path in waiting:
                # Files that were deleted meanwhile need no disk.
                with suppress(FileNotFoundError), path.open("rb+", buffering=0) as file:
                    os.fsync(file.fileno())
            for folder in {path.parent for path in waiting}:
                with suppress(FileNotFoundError):
                    sync_folder(folder)
        except OSError as error:
            raise storage_error(error) from error


def lock_file(file: IO[bytes]) -> None:
    """Lock a file for this process until it is closed or the process ends; BlockingIOError where another one has it."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(*error.args) from error
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def encode_line(fields: dict[str, Any], beside: bytes = b"") -> bytes:
    """A line of JSON with a checksum over it and over the bytes that it points to."""
    text = json.dumps(fields)
    return json.dumps(fields | {_CHECKSUM: zlib.crc32(beside, zlib.crc32(text.encode()))}).encode() + b"\n"


def is_intact(fields: dict[str, Any], beside: bytes = b"") -> bool:
    """Whether a line that was read is the one that was written; lines of older versions carry no checksum."""
    if _CHECKSUM not in fields:
        return True
    text = json.dumps({name: value for name, value in fields.items() if name != _CHECKSUM})
    return bool(fields[_CHECKSUM] == zlib.crc32(beside, zlib.crc32(text.encode())))


def read_lines(path: Path) -> Iterator[dict[str, Any] | None]:
    """The lines of a file that grows; None for one that is no JSON object. An unfinished last line is left out."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for raw in file:
            try:
                line = json.loads(raw)
            except (ValueError, RecursionError):
                line = None
            if isinstance(line, dict):
                yield line
            elif raw.endswith(b"\n") and raw.strip():
                yield None


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _ends_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
