"""One reader for label maps and masks, and one for texts: what a data set accepts, formats and the page accept too."""

from __future__ import annotations

import codecs
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_demo.datasets.label_maps import find_labelled_pictures, read_labelled_picture
from sam2_demo.datasets.pictures import LabelMapPictures
from sam2_demo.errors import DatasetError
from sam2_demo.formats import davis, per_object_png, sa_v
from sam2_demo.formats.checked.reading import read_masks
from sam2_demo.formats.exchange import read_any, write_file
from sam2_demo.formats.files import read_labels, read_mask

MASK = np.zeros((20, 30), bool)
MASK[4:12, 6:25] = True


def indexed(mask: np.ndarray) -> Image.Image:
    image = Image.fromarray(mask.astype(np.uint8))
    image.putpalette([0, 0, 0, 90, 0, 0] + [0] * 762)
    return image


ONE_OBJECT = {
    "1-bit": lambda mask: Image.fromarray(mask),
    "grey of 0 and 255": lambda mask: Image.fromarray(mask.astype(np.uint8) * 255),
    "grey of 0 and 1": lambda mask: Image.fromarray(mask.astype(np.uint8)),
    "indexed": indexed,
    "16-bit": lambda mask: Image.fromarray(mask.astype(np.uint16)),
    "colours": lambda mask: Image.fromarray(np.dstack([mask.astype(np.uint8) * 255] * 3)),
    "colours with alpha": lambda mask: Image.fromarray(mask).convert("RGBA"),
}


@pytest.mark.parametrize("kind", ONE_OBJECT)
def test_a_mask_is_the_same_object_to_every_reader(tmp_path: Path, kind: str):
    image = ONE_OBJECT[kind](MASK)
    for place in ("set/a.png", "davis/00000.png", "sa_v/000/00000.png", "per_object/1/00000.png", "page.png"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        image.save(tmp_path / place)
    Image.fromarray(np.zeros((*MASK.shape, 3), np.uint8)).save(tmp_path / "set/a.jpg")
    (found,) = LabelMapPictures(tmp_path / "set").picture("set__a").objects
    (trained,) = map(read_labelled_picture, find_labelled_pictures(tmp_path / "set"))
    masks = {
        "pictures": found.mask,
        "training": trained.label_maps[0] == 1,
        "davis": davis.read(tmp_path / "davis").masklets[1].mask(0),
        "sa_v": sa_v.read(tmp_path / "sa_v").masklets[0].mask(0),
        "per object": per_object_png.read(tmp_path / "per_object").masklets[1].mask(0),
        "page": read_masks(tmp_path / "page.png", "page.png", MASK.shape, 1).masklets[1].mask(0),
    }
    wrong = [name for name, mask in masks.items() if not np.array_equal(mask, MASK)]
    assert wrong == []


def test_our_own_masks_serve_as_label_maps_beside_their_pictures(clip, tmp_path):
    per_object_png.write(clip, tmp_path / "export")
    Image.fromarray(np.zeros((clip.height, clip.width, 3), np.uint8)).save(tmp_path / "export" / "1" / "00003.jpg")
    (read,) = map(read_labelled_picture, find_labelled_pictures(tmp_path / "export"))
    assert np.array_equal(read.label_maps[0] == 1, clip.masklets[1].mask(3))


def test_soft_edges_are_cut_in_the_middle_and_coloured_pictures_refused(tmp_path):
    soft = np.array([[0, 100, 128, 255]], np.uint8)
    Image.fromarray(soft).save(tmp_path / "soft.png")
    assert read_mask(tmp_path / "soft.png", "soft.png").tolist() == [[False, False, True, True]]
    Image.fromarray(np.dstack([soft, soft, soft * 0])).save(tmp_path / "colour.png")
    with pytest.raises(DatasetError, match=r"colour\.png has colour mode RGB; labels are"):
        read_labels(tmp_path / "colour.png")
    Image.fromarray(np.array([[0, 300]], np.uint16)).save(tmp_path / "many.png")
    with pytest.raises(DatasetError, match=r"many\.png has labels up to 300; those of a label map are 0 to 255"):
        read_labels(tmp_path / "many.png")


ENCODINGS = {
    "UTF-8 with a mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "UTF-16, little end first": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "UTF-16, big end first": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "UTF-32": lambda text: codecs.BOM_UTF32_LE + text.encode("utf-32-le"),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("format_name", ["sa_v", "coco", "csv", "mots"])
def test_texts_as_editors_and_spreadsheets_save_them(clip, tmp_path, format_name, encoding):
    clip.labels = {object_id: "pedestrian" if object_id == 1 else "car" for object_id in clip.object_ids}
    clip.void = {}
    path = write_file(clip, format_name, tmp_path)
    expected = read_any(path)
    path.write_bytes(ENCODINGS[encoding](path.read_text()))
    for again in (read_any(path), read_masks(path, path.name, (clip.height, clip.width), clip.num_frames)):
        assert again.labels == expected.labels
        assert again.object_ids == expected.object_ids
        frames = [(own, frame) for own in expected.object_ids for frame in expected.masklets[own]]
        assert all(again.masklets[own].rle(frame) == expected.masklets[own].rle(frame) for own, frame in frames)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_yolo_and_per_object_side_cars_and_labels(clip, tmp_path, encoding):
    for format_name in ("yolo", "png"):
        path = write_file(clip, format_name, tmp_path)
        place = tmp_path / format_name
        place.mkdir()
        shutil.unpack_archive(path, place)
        expected = read_any(place)
        for text in [own for own in place.rglob("*") if own.suffix in (".txt", ".json")]:
            text.write_bytes(ENCODINGS[encoding](text.read_text()))
        again = read_any(place)
        assert (again.labels, again.object_ids) == (expected.labels, expected.object_ids)


def test_a_text_in_another_encoding_is_named_with_its_line(tmp_path):
    (tmp_path / "a.json").write_bytes(b'{"a":\n"\xff"}')
    with pytest.raises(DatasetError, match=r"a\.json is not JSON: 'utf-8' codec"):
        read_any(tmp_path / "a.json")
    (tmp_path / "a.txt").write_bytes(b"0 1001 1 20 30 abc\n\xff\xfe\n")
    with pytest.raises(DatasetError, match=r"a\.txt, line 2 is no text in UTF-8"):
        read_any(tmp_path / "a.txt")
