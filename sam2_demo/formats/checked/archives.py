"""Zips of masks that a person sends: names, totals and every entry are checked before anything is unpacked."""

from __future__ import annotations

import lzma
import re
import shutil
import uuid
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from sam2_demo.errors import DatasetError, DemoError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.checked.bounds import PNG_HEADER_SIZE, Extent, check_frame, check_picture, counts_from_1
from sam2_demo.formats.checked.texts import MAX_LINES, check_labels, check_sidecar
from sam2_demo.formats.exchange import read_any
from sam2_demo.formats.files import MASK_FOLDERS, PICTURE_FOLDERS, frame_numbers, is_hidden

MAX_FILES = 20_000
MAX_UNPACKED = 512 * 1024 * 1024
MAX_SIDECAR = 64 * 1024 * 1024
_CLASSES, _SIDECAR = "classes.txt", "clip.json"
_OBJECT_FOLDER = re.compile(r"^object_(?=\d+$)")
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, OSError)


def read_archive(path: Path, extent: Extent) -> ClipAnnotation:
    """The masks of a zip of PNGs (DAVIS, SA-V, MOTS, per object) or of YOLO labels."""
    place = path.with_name(f".unpacked-{uuid.uuid4().hex[:8]}")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _checked_entries(archive, extent)
            is_alone = _is_of_one_picture(entries, extent)
            for entry in entries:
                target = place / _unpacked_path(entry, is_alone)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(entry))
        clip = read_any(place, extent.size, with_boxes=True)
        stems = {_path_of(entry).stem for entry in entries if _is_of_a_frame(entry)}
        if len(stems) == 1 and not stems.pop().isdecimal() and not clip.picture_names:
            clip.has_frame_indices = False
        return clip
    except _DAMAGED as error:
        # The text of an OSError has the path in it.
        reason = error.strerror if isinstance(error, OSError) else error
        raise DatasetError(f"{path.name} cannot be unpacked: {reason}") from error
    except DemoError as error:
        raise DatasetError(str(error).replace(f"{place}/", "").replace(str(place), path.name)) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _unpacked_path(entry: zipfile.ZipInfo, is_of_one_picture: bool) -> PurePosixPath:
    path = _path_of(entry)
    if is_of_one_picture and _is_of_a_frame(entry) and frame_numbers([path.stem]):
        path = path.with_stem("00000")  # the picture's own name, as cameras count
    # Earlier zips of the page called the folders object_001 and so on.
    return PurePosixPath(*(_OBJECT_FOLDER.sub("", part) for part in path.parts))


def _checked_entries(archive: zipfile.ZipFile, extent: Extent) -> list[zipfile.ZipInfo]:
    """The entries that are read, after names, sizes, headers and labels have been seen."""
    everything = archive.infolist()
    total = sum(entry.file_size for entry in everything)
    if len(everything) > MAX_FILES or total > MAX_UNPACKED:
        raise DatasetError(
            f"the zip unpacks to {len(everything)} files of {total // 1_000_000} MB; accepted are up to {MAX_FILES} "
            f"files of {MAX_UNPACKED // 1_000_000} MB"
        )
    for entry in everything:
        parts = _path_of(entry).parts
        if entry.filename.startswith(("/", "\\")) or ".." in parts or any(":" in part for part in parts):
            raise DatasetError(f"the zip names a file outside of itself: {entry.filename[:80]!r}")
    shown = [entry for entry in everything if not entry.is_dir() and not _is_hidden(entry)]
    labels = _labels(shown)
    if labels:
        _check_frames(labels, extent)
        _check_labels(archive, labels, extent)
        _check_beside(archive, shown, extent)
        return labels + [entry for entry in shown if _path_of(entry).name in (_CLASSES, _SIDECAR)]
    pictures = _masks([entry for entry in shown if _suffix(entry) == ".png"], shown)
    if not pictures:
        raise DatasetError(
            "the zip holds no PNG and no labels; expected 00000.png per frame, <object>/00000.png, or "
            "labels/00000.txt per frame"
        )
    _check_frames(pictures, extent)
    _check_pictures(archive, pictures, extent)
    return pictures + [entry for entry in shown if _path_of(entry).name == _SIDECAR]


def _path_of(entry: zipfile.ZipInfo) -> PurePosixPath:
    return PurePosixPath(entry.filename.replace("\\", "/"))


def _suffix(entry: zipfile.ZipInfo) -> str:
    return _path_of(entry).suffix.lower()


def _is_hidden(entry: zipfile.ZipInfo) -> bool:
    return any(is_hidden(part) for part in _path_of(entry).parts)


def _labels(shown: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """YOLO labels: the texts in a folder of that name, or, beside no PNG, all of them."""
    texts = [entry for entry in shown if _suffix(entry) == ".txt" and _path_of(entry).name != _CLASSES]
    named = [entry for entry in texts if _path_of(entry).parent.name == "labels"]
    return named or ([] if any(_suffix(entry) == ".png" for entry in shown) else texts)


def _masks(pictures: list[zipfile.ZipInfo], shown: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """The PNGs that are masks: where folders called so lie beside folders of pictures, those in them."""
    named = [entry for entry in pictures if MASK_FOLDERS & _folders_of(entry)]
    return named if named and any(PICTURE_FOLDERS & _folders_of(entry) for entry in shown) else pictures


def _folders_of(entry: zipfile.ZipInfo) -> set[str]:
    return {part.lower() for part in _path_of(entry).parent.parts}


def _check_labels(archive: zipfile.ZipFile, labels: list[zipfile.ZipInfo], extent: Extent) -> None:
    found = 0
    for entry in labels:
        with archive.open(entry) as file:
            found += check_labels(file, entry.filename[:80], extent)
        if found > MAX_LINES:
            raise DatasetError(f"the zip holds more than the {MAX_LINES} polygons that are accepted")


def _check_beside(archive: zipfile.ZipFile, shown: list[zipfile.ZipInfo], extent: Extent) -> None:
    for entry in shown:
        name = _path_of(entry).name
        if name in (_CLASSES, _SIDECAR) and entry.file_size > MAX_SIDECAR:
            raise DatasetError(f"{name} has {entry.file_size} bytes; accepted are up to {MAX_SIDECAR}")
        if name == _SIDECAR:
            check_sidecar(archive.read(entry), name, extent)


def _check_pictures(archive: zipfile.ZipFile, pictures: list[zipfile.ZipInfo], extent: Extent) -> None:
    for entry in pictures:
        with archive.open(entry) as file:
            check_picture(file.read(PNG_HEADER_SIZE), entry.filename[:80], extent)


def _check_frames(entries: list[zipfile.ZipInfo], extent: Extent) -> None:
    if _is_of_one_picture(entries, extent):
        return
    # Readers refuse other names, with what they expect.
    stems = sorted({_path_of(entry).stem for entry in entries})
    known = {stem: int(stem) for stem in stems if stem.isdecimal()}
    known = known or dict(zip(stems, frame_numbers(stems) or [], strict=False))
    numbered = {entry.filename: known[stem] for entry in entries if (stem := _path_of(entry).stem) in known}
    if numbered and counts_from_1(min(numbered.values()), max(numbered.values()), extent):
        return
    for name, frame in numbered.items():
        check_frame(frame, name[:80], extent)


def _is_of_one_picture(entries: list[zipfile.ZipInfo], extent: Extent) -> bool:
    """Whether masks for a picture are all called by one name, be it a number: then they are of that picture."""
    return extent.num_frames == 1 and len({_path_of(entry).stem for entry in entries if _is_of_a_frame(entry)}) == 1


def _is_of_a_frame(entry: zipfile.ZipInfo) -> bool:
    return _suffix(entry) in (".png", ".txt") and _path_of(entry).name != _CLASSES
