"""Folders of pictures with label maps, and what is said of wrong ones."""

import cv2
import numpy as np
import pytest
from PIL import Image

from sam2_demo.datasets.label_maps import (
    LabelledPicture,
    find_labelled_pictures,
    read_labelled_picture,
    shrink,
    spread,
)
from sam2_demo.datasets.layouts import recognise_layout
from sam2_demo.datasets.pictures import LabelMapPictures
from sam2_demo.errors import DatasetError


def write_pair(folder, stem, size=(40, 60), suffix=".jpg"):
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[..., 2] = 200  # red, in OpenCV's order
    cv2.imwrite(str(folder / f"{stem}{suffix}"), pixels)
    labels = np.zeros(size, np.uint8)
    labels[5:20, 5:30] = 1
    labels[0, 0] = 255
    image = Image.fromarray(labels)
    image.putpalette([0, 0, 0, 250, 10, 10] + [0] * 762)
    image.save(folder / f"{stem}.png")


def read_all(root, max_side=None):
    return [read_labelled_picture(files, max_side) for files in find_labelled_pictures(root)]


def test_pairs_by_stem_keep_colours_and_palette_indices(tmp_path):
    write_pair(tmp_path / "cats", "a")
    write_pair(tmp_path / "cats", "b", suffix=".webp")
    found = read_all(tmp_path)
    assert [picture.source for picture in found] == ["cats", "cats"]
    assert found[0].pixels[10, 10, 0] > 150 > found[0].pixels[10, 10, 2]
    assert np.unique(found[0].label_maps[0]).tolist() == [0, 1, 255]


def test_index_groups_several_maps_of_a_picture(tmp_path):
    write_pair(tmp_path / "train" / "set", "a")
    write_pair(tmp_path / "train" / "set", "second")
    (tmp_path / "train" / "index.csv").write_text(
        "source,file,mask\nset,set/a.jpg,set/a.png\nset,set/a.jpg,set/second.png\n"
    )
    (found,) = read_all(tmp_path)
    assert found.source == "set" and len(found.label_maps) == 2


def test_indexes_of_spreadsheets(tmp_path):
    write_pair(tmp_path, "a")
    (tmp_path / "index.csv").write_bytes(b"\xef\xbb\xbfsource,file,mask\r\nset,a.jpg,a.png\r\n")
    (found,) = read_all(tmp_path)
    assert found.source == "set"


def test_endings_in_capitals_are_taken(tmp_path):
    write_pair(tmp_path, "a", suffix=".JPG")
    (tmp_path / "a.png").rename(tmp_path / "a.PNG")
    (found,) = read_all(tmp_path)
    assert found.label_maps[0].any() and recognise_layout(tmp_path) == "label maps"


def test_large_pictures_are_shrunk_with_their_maps(tmp_path):
    write_pair(tmp_path, "a", size=(200, 400))
    (found,) = read_all(tmp_path, max_side=100)
    assert found.pixels.shape == (50, 100, 3) and found.label_maps[0].shape == (50, 100)


def test_shrunk_maps_stay_where_their_pictures_are():
    """Plain nearest neighbour takes the left of two pixels: outlines would move by up to half a pixel."""
    rows, columns = np.mgrid[:150, :210]
    disc = ((rows - 70) ** 2 + (columns - 100) ** 2 < 40**2).astype(np.uint8)
    given = LabelledPicture("made", np.repeat(disc[..., None] * 255, 3, axis=2), (disc,))
    for side in (84, 70, 63):
        shrunk = shrink(given, side)
        share = shrunk.pixels[..., 0] / 255
        places = np.mgrid[: share.shape[0], : share.shape[1]]
        for axis in (0, 1):
            picture = (places[axis] * share).sum() / share.sum()
            labels = places[axis][shrunk.label_maps[0] > 0].mean()
            assert abs(picture - labels) < 0.1, (side, axis)


def test_a_limit_spreads_over_the_list():
    assert spread(5, 3) == [0, 2, 4]
    assert spread(5, None) == spread(5, 9) == [0, 1, 2, 3, 4]
    assert spread(5, 1) == [0]


def test_wrong_folders_are_named(tmp_path):
    with pytest.raises(DatasetError, match="does not exist"):
        find_labelled_pictures(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match=r"no index\.csv and no picture"):
        find_labelled_pictures(tmp_path)
    (tmp_path / "index.csv").write_text("source,file\n")
    with pytest.raises(DatasetError, match=r"lacks the column\(s\) mask"):
        find_labelled_pictures(tmp_path)


def test_missing_and_misfit_files_are_named(tmp_path):
    write_pair(tmp_path, "a")
    (tmp_path / "index.csv").write_text("source,file,mask\nset,a.jpg,gone.png\n")
    with pytest.raises(DatasetError, match=r"gone\.png does not exist"):
        read_all(tmp_path)
    Image.new("L", (10, 10)).save(tmp_path / "gone.png")
    with pytest.raises(DatasetError, match="sizes must agree"):
        read_all(tmp_path)
    Image.new("RGB", (60, 40)).save(tmp_path / "gone.png")
    with pytest.raises(DatasetError, match="8-bit indexed"):
        read_all(tmp_path)


def test_pictures_read_alike_for_training_and_for_evaluation(tmp_path):
    """Turned by EXIF, transparent, 16 bits, or of an ending that only one of the two knew."""
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif)
    Image.fromarray(np.ones((60, 40), np.uint8)).save(tmp_path / "turned.png")
    hidden = np.dstack([pixels, np.zeros((40, 60), np.uint8)])
    Image.fromarray(hidden).save(tmp_path / "clear.webp", lossless=True, exact=True)
    Image.fromarray(pixels).save(tmp_path / "scan.tif", exif=exif)
    Image.fromarray(np.ones((40, 60), np.uint8)).save(tmp_path / "clear.png")
    Image.fromarray(np.ones((60, 40), np.uint8)).save(tmp_path / "scan.png")
    trained = {read.pixels.tobytes() for read in read_all(tmp_path)}
    evaluated = LabelMapPictures(tmp_path)
    assert len(evaluated.names) == 3
    assert trained == {evaluated.picture(name).pixels.tobytes() for name in evaluated.names}
    assert np.full((40, 60, 3), 255, np.uint8).tobytes() in trained


def test_a_mask_drawn_on_the_picture_as_stored_says_so(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(tmp_path / "phone.jpg", exif=exif)
    Image.fromarray(np.ones((40, 60), np.uint8)).save(tmp_path / "phone.png")
    with pytest.raises(DatasetError, match=r"40 x 60 .* phone\.jpg 60 x 40 as shown; .*EXIF how it is turned"):
        read_all(tmp_path)
