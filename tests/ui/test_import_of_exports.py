"""What the page exports can be imported again, and files made to look like it are refused before they do harm."""

import csv
import io
import json
import re
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path

import av
import numpy as np
import pytest
from archives import zipped
from PIL import Image

from sam2_demo.errors import DatasetError
from sam2_demo.formats import csv_tables, yolo
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.checked import archives, bounds, reading, texts
from sam2_demo.formats.checked.bounds import Extent, check_outlines
from sam2_demo.formats.checked.reading import read_masks
from sam2_demo.formats.exchange import FORMATS, write_file
from sam2_demo.masks.run_lengths import encode_rle

SIZE = (36, 52)
FRAMES = 6
DIALOG = Path(__file__).resolve().parents[2] / "sam2_demo/ui/canvas/panels/import_dialog.js"


def mask_of(object_id, frame):
    mask = np.zeros(SIZE, bool)
    if object_id == 1:
        mask[13:30, frame : 17 + frame], mask[20:23, 4 + frame : 9 + frame], mask[2, 0] = True, False, True
    elif object_id == 2 and frame not in (2, 3):
        mask[2:34, 30:50] = np.random.default_rng(frame).random((32, 20)) < 0.6
    elif object_id == 7 and frame >= 4:
        mask[13, 26:28] = True
        mask[13:16, 0] = True
    return mask


@pytest.fixture
def clip():
    """Three objects that do not overlap: with a hole and in two parts, noise that is hidden for a while, a late one."""
    value = ClipAnnotation(*SIZE, FRAMES, 12.5, name="scene")
    for object_id in (1, 2, 7):
        for frame in range(FRAMES):
            value.masklet(object_id).set(frame, mask_of(object_id, frame) & ~(mask_of(1, frame) & (object_id != 1)))
    value.labels = {1: "=SUM(A1)", 2: "car"}
    return value


def imported(place, name, content, num_frames=FRAMES):
    """The masks of a file as the route stores it: hidden, and under a name of its own."""
    path = place / f".import-1a2b{Path(name).suffix}"
    path.write_bytes(content)
    return read_masks(path, name, SIZE, num_frames)


def unzipped(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("kind", [name for name in FORMATS if name != "alpha"])
def test_masks_come_back_as_they_were_exported(clip, tmp_path, kind):
    path = write_file(clip, kind, tmp_path / "out")
    again = imported(tmp_path, path.name, path.read_bytes())
    assert again.object_ids == [1, 2, 7] and (again.height, again.width) == SIZE
    for object_id, masklet in clip.masklets.items():
        for frame in masklet:
            found = again.masklets[object_id]
            assert frame in found or not masklet.area(frame)
            if frame in found:
                np.testing.assert_array_equal(found.mask(frame), masklet.mask(frame), f"{object_id}, frame {frame}")
    if kind in ("coco", "csv", "yolo", "png"):
        assert again.labels == clip.labels and again.masklets == clip.masklets


@pytest.mark.parametrize("picture", ["truck.jpg", "1234.jpeg", "_DSC0042.JPG", "a b.c.png"])
@pytest.mark.parametrize("kind", ["davis", "sa_v_png", "png", "yolo", "mots_png", "coco", "sa_v", "mots", "csv"])
def test_masks_of_a_picture_come_back_whatever_it_is_called(tmp_path, kind, picture):
    value = ClipAnnotation(*SIZE, 1, name="a", picture_names=[picture])
    for object_id in (1, 2):
        value.masklet(object_id).set(0, mask_of(object_id, 0) & ~(mask_of(1, 0) & (object_id != 1)))
    path = write_file(value, kind, tmp_path / "out")
    again = imported(tmp_path, path.name, path.read_bytes(), num_frames=1)
    for object_id, masklet in value.masklets.items():
        np.testing.assert_array_equal(again.masklets[object_id].mask(0), masklet.mask(0))
    assert again.object_ids == [1, 2] and again.annotated_frames == [0]
    if path.suffix == ".zip":
        assert any(Path(name).stem == Path(picture).stem for name in unzipped(path))
    if picture == "truck.jpg":  # made of a frame of a clip, say
        assert imported(tmp_path, path.name, path.read_bytes()).object_ids == [1, 2]


def test_masks_of_a_clip_are_no_picture_s(clip, tmp_path):
    path = write_file(clip, "davis", tmp_path / "out")
    with pytest.raises(DatasetError, match=r"00001\.png has masks of frame 1; the clip has frames 0 to 0"):
        imported(tmp_path, path.name, path.read_bytes(), num_frames=1)


def test_a_video_with_alpha_comes_back_as_one_object(tmp_path):
    value = ClipAnnotation(*SIZE, FRAMES, 12.5, name="scene")
    for frame in range(FRAMES):
        value.masklet(3).set(frame, mask_of(1, 0) if frame else np.zeros(SIZE, bool))
    again = imported(tmp_path, "scene.webm", write_file(value, "alpha", tmp_path / "out").read_bytes())
    assert again.object_ids == [1] and again.num_frames == FRAMES
    for frame in range(1, FRAMES):
        found, truth = again.masklets[1].mask(frame), mask_of(1, 0)
        assert (found & truth).sum() / (found | truth).sum() > 0.9  # VP9 rounds edges


def test_run_lengths_that_look_like_a_formula_are_among_them(clip, tmp_path):
    rows = csv.DictReader(io.StringIO(write_file(clip, "csv", tmp_path).read_text()))
    assert any(row["counts"].startswith("=") for row in rows)


def test_yolo_labels_without_a_side_car_are_read_at_the_clip_s_size(clip, tmp_path):
    files = unzipped(write_file(clip, "yolo", tmp_path))
    del files["clip.json"]
    again = imported(tmp_path, "labels.zip", zipped(files))
    assert again.object_ids == [1, 2, 3] and again.labels == {1: "=SUM(A1)", 2: "car"}  # the classes, by name
    np.testing.assert_array_equal(again.masklets[2].mask(5), clip.masklets[2].mask(5))


def test_yolo_labels_are_found_beside_pictures_and_without_a_folder(clip, tmp_path):
    files = unzipped(write_file(clip, "yolo", tmp_path))
    picture = io.BytesIO()
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(picture, "PNG")
    within = {f"scene/{name}": content for name, content in files.items()}
    again = imported(tmp_path, "a.zip", zipped(within | {"scene/images/00000.png": picture.getvalue()}))
    assert again.masklets == clip.masklets
    flat = {name.split("/")[-1]: content for name, content in files.items() if name.startswith("labels")}
    assert imported(tmp_path, "a.zip", zipped(flat)).object_ids == [1, 2, 3]


def test_texts_beside_pictures_are_no_labels(clip, tmp_path):
    files = unzipped(write_file(clip, "davis", tmp_path))
    again = imported(tmp_path, "a.zip", zipped(files | {"readme.txt": b"made by hand"}))
    assert again.object_ids == [1, 2, 7]


def test_the_page_offers_every_ending_that_is_read():
    endings = re.search(r'accept: "([^"]+)"', DIALOG.read_text()).group(1).split(",")
    assert {own.ending for own in FORMATS.values()} <= set(endings)
    for ending in endings:
        with pytest.raises(FileNotFoundError):  # not refused by its name
            try:
                read_masks(Path("missing") / f"a{ending}", f"a{ending}", SIZE, FRAMES)
            except DatasetError as error:
                assert "No such file" in str(error)
                raise FileNotFoundError from error


# --- hostile files --------------------------------------------------------------------------------

AREA = SIZE[0] * SIZE[1]
GOOD = encode_rle(mask_of(1, 0))["counts"]
TRIANGLE = "0 0.1 0.1 0.5 0.1 0.5 0.5\n"
TWO_NAMES = {"labels/cat.txt": TRIANGLE, "labels/dog.txt": TRIANGLE}
LONG = encode_rle(np.ones((SIZE[0], SIZE[1] + 1), bool))["counts"]


def line(frame=0, mots_id=1001, height=SIZE[0], width=SIZE[1], counts=GOOD):
    return f"{frame} {mots_id} 1 {height} {width} {counts}\n"


def table(**change):
    value = ClipAnnotation(*SIZE, FRAMES, name="scene")
    for frame in (0, 1):
        value.masklet(1).set(frame, mask_of(1, frame))
    rows = [vars(row) for row in csv_tables.rows_of(value)]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows([rows[0], rows[1] | change])
    return text.getvalue()


def labels(text, name="labels/00000.txt", **sidecar):
    files = {name: text}
    if sidecar:
        fields = {"height": SIZE[0], "width": SIZE[1], "num_frames": FRAMES, "frames": {}, "lines": {}}
        files["clip.json"] = json.dumps(fields | sidecar)
    return zipped(files)


def zigzag(points):
    places = [f"{(place * 7919 % 1000) / 1000:.3f} {place % 2}" for place in range(points)]
    return f"0 {' '.join(places)}\n"


def sixteen_bit(values, name="000000.png"):
    coded = io.BytesIO()
    Image.fromarray(values.astype(np.uint16)).save(coded, "PNG")
    return zipped({name: coded.getvalue()})


def two_headed():
    """A PNG whose second header speaks of 60000 x 60000 pixels."""
    coded = io.BytesIO()
    Image.fromarray(np.ones(SIZE, np.uint8)).save(coded, "PNG")
    chunk = b"IHDR" + struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    second = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return coded.getvalue()[:33] + second + coded.getvalue()[33:]


def damaged_stream():
    content = bytearray(labels(TRIANGLE * 40))
    content[30 + len("labels/00000.txt")] = 0xFF
    return bytes(content)


ONE = np.ones(SIZE)


def webm(height=SIZE[0], width=SIZE[1], frames=FRAMES):
    value = ClipAnnotation(height, width, frames, 24)
    value.masklet(1).set(0, np.ones((height, width), bool))
    with tempfile.TemporaryDirectory() as place:
        return write_file(value, "alpha", Path(place)).read_bytes()


def film(codec="libvpx-vp9"):
    """A WebM without alpha."""
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as container:
        stream = container.add_stream(codec, rate=24)
        stream.height, stream.width = SIZE
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((*SIZE, 3), np.uint8))))
        container.mux(stream.encode(None))
    return file.getvalue()


REFUSED = [
    # Video
    ("a.webm", "#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", "a.webm cannot be read as a WebM with alpha: Invalid"),
    ("a.webm", webm()[:400], "a.webm"),
    ("a.webm", webm(width=60), "a.webm is 60 x 36 pixels (width x height), expected 52 x 36"),
    ("a.webm", webm(frames=7), "a.webm has masks of frame 6; the clip has frames 0 to 5"),
    ("a.webm", film(), "a.webm has no alpha plane (its pixels are yuv420p)"),
    ("a.webm", film("libvpx"), "a.webm is coded as vp8; a WebM with VP9 and alpha is needed"),
    # MOTS text
    ("a.txt", line() + line(1, height=9), "line 2: the mask is 52 x 9 pixels (width x height), expected 52 x 36"),
    ("a.txt", line() + line(1, counts=LONG), f"line 2 has run lengths of {AREA + SIZE[0]} pixels, expected {AREA}"),
    ("a.txt", line(counts="111"), f"a.txt, line 1 has run lengths of 3 pixels, expected {AREA}"),
    ("a.txt", line(counts=GOOD + "P"), "line 1 has damaged run lengths: the run lengths end in the middle of one"),
    ("a.txt", line(counts="\u00e9"), "neither text nor whole numbers"),
    ("a.txt", line(counts="~"), "line 1 has damaged run lengths: character '~'"),
    ("a.txt", line() + "\n" + line(1), "a.txt, line 2: expected `frame id class height width run-lengths`"),
    ("a.txt", line("x"), "a.txt, line 1: expected `frame id class"),
    ("a.txt", line("9" * 5000), "a.txt, line 1: expected `frame id class"),
    ("a.txt", TRIANGLE, "a.txt, line 1: expected `frame id class"),
    ("a.txt", line() + line(6), "a.txt, line 2 has masks of frame 6; the clip has frames 0 to 5"),
    ("a.txt", line() + line(), "line 2: object 1001 is on frame 0 a second time"),
    ("a.txt", line(mots_id=10000), "a.txt holds no masks; expected at least one object"),
    ("a.txt", "\n", "a.txt, line 1: expected"),
    ("a.txt", b"\xff\xfe\n", "a.txt, line 1 is no text in UTF-8"),
    ("a.txt", line(counts=GOOD + "0" * 9000), "a.txt, line 1 is longer than the"),
    ("a.txt", "".join(line(mots_id=k) for k in range(1, 1500)), "a.txt holds 1499 objects; up to 1000 are read"),
    # CSV
    ("a.csv", table(frame_index="one"), "a.csv, line 3: frame_index is 'one', expected a whole number"),
    ("a.csv", table(object_id="1.5"), "a.csv, line 3: object_id is '1.5', expected a whole number"),
    ("a.csv", table(object_id="9" * 5000), f"a.csv, line 3: object_id is '{'9' * 40}', expected"),
    ("a.csv", table(num_frames=""), "a.csv, line 3: num_frames is '', expected a whole number"),
    ("a.csv", table(iou_prediction="nan"), "a.csv, line 3: iou_prediction is 'nan', expected a number"),
    ("a.csv", table(frame_rate="fast"), "a.csv, line 3: frame_rate is 'fast', expected a number"),
    ("a.csv", table(height=9), "a.csv, line 3: the mask is 52 x 9 pixels"),
    ("a.csv", table(counts=LONG), f"a.csv, line 3 has run lengths of {AREA + SIZE[0]} pixels, expected {AREA}"),
    ("a.csv", table(counts=""), "a.csv, line 3 has run lengths of 0 pixels"),
    ("a.csv", table(frame_index=6), "a.csv, line 3 has masks of frame 6; the clip has frames 0 to 5"),
    ("a.csv", table().split("\r\n")[0], "a.csv has no rows"),
    ("a.csv", "a,b\n1,2\n", "a.csv lacks the columns"),
    ("a.csv", table() + "5\n", "a.csv, line 4: object_id is ''"),
    ("a.csv", "x" * 9000, "a.csv, line 1 is longer than the"),
    # YOLO
    ("a.zip", labels("0 0.1 0.1 0.2 0.2 0.3 40\n"), "labels/00000.txt, line 1: the coordinate 40.0 is no share"),
    ("a.zip", labels("0 0.1 0.1 0.2 nan 0.3 0.4\n"), "labels/00000.txt, line 1: the coordinate nan is"),
    ("a.zip", labels(TRIANGLE + "0 0.1 0.1\n"), "labels/00000.txt, line 2: a polygon is three or more points"),
    ("a.zip", labels(TRIANGLE + "\n0 a b c d e f\n"), "labels/00000.txt, line 3: expected `class x y x y ...`"),
    ("a.zip", labels(TRIANGLE.replace("0 ", "-2 ", 1)), "line 1: the class is -2, expected 0 to 999999"),
    ("a.zip", labels(TRIANGLE.replace("0 ", "9" * 4300 + " ", 1)), f"line 1: the class is {'9' * 40}, expected"),
    ("a.zip", labels(zigzag(2000)), "pixels in length; no mask of a picture of 1872 pixels has more than 7488"),
    ("a.zip", zipped(TWO_NAMES), "labels/cat.txt is not named by its frame; expected a number"),
    ("a.zip", labels(TRIANGLE, "labels/00006.txt"), "00006.txt has masks of frame 6; the clip has frames 0 to 5"),
    ("a.zip", labels(TRIANGLE, "../labels/00000.txt"), "the zip names a file outside of itself"),
    ("a.zip", labels(TRIANGLE, "..\\labels\\00000.txt"), "the zip names a file outside of itself"),
    ("a.zip", labels(TRIANGLE, "/labels/00000.txt"), "the zip names a file outside of itself"),
    ("a.zip", labels(""), "a.zip holds no masks; expected at least one object"),
    ("a.zip", labels(TRIANGLE, width=9), "clip.json is 9 x 36 pixels (width x height), expected 52 x 36"),
    ("a.zip", labels(TRIANGLE, num_frames="6"), "clip.json holds a value of a wrong kind ('6' is no whole number)"),
    ("a.zip", labels(TRIANGLE, frames={"1": [[6, 1, 1]]}), "clip.json has masks of frame 6"),
    ("a.zip", labels(TRIANGLE, frames=[1]), "clip.json holds a value of a wrong kind"),
    ("a.zip", labels(TRIANGLE, lines={"00000": [1.5]}), "'1.5' is no whole number); expected height, width"),
    ("a.zip", labels(TRIANGLE, lines={"00000": [1, 2]}), "00000.txt has 1 lines, clip.json names the objects of 2"),
    ("a.zip", labels(TRIANGLE, labels={"1": 5}), "a.zip has a label of object 1 that is no text"),
    ("a.zip", zipped({"labels/0.txt": TRIANGLE, "clip.json": "[]"}), "clip.json holds a list"),
    ("a.zip", zipped({"labels/0.txt": TRIANGLE, "clip.json": "{}"}), "clip.json lacks the field 'height'; expected"),
    ("a.zip", zipped({"labels/0.txt": TRIANGLE, "clip.json": "[" * 100_000}), "clip.json is not JSON"),
    ("a.zip", damaged_stream(), "a.zip cannot be unpacked"),
    # MOTS PNG
    ("a.zip", sixteen_bit(np.ones((9, 52))), "000000.png is 52 x 9 pixels (width x height), expected 52 x 36"),
    ("a.zip", sixteen_bit(np.zeros(SIZE)), "holds masks of the sizes []; a clip has one size and some mask"),
    ("a.zip", sixteen_bit(ONE, "000006.png"), "000006.png has masks of frame 6; the clip has frames 0 to 5"),
    ("a.zip", sixteen_bit(np.arange(AREA).reshape(SIZE)), "brings the objects to 1871; up to 1000 are read"),
    # Other pictures
    ("a.png", two_headed(), "a.png cannot be read as a PNG"),
    ("a.zip", zipped({"1/00000.png": two_headed(), "clip.json": "{}"}), "00000.png cannot be read as a PNG"),
]


@pytest.mark.parametrize(("name", "content", "words"), REFUSED, ids=[f"{row[0]}: {row[2][:50]}" for row in REFUSED])
def test_hostile_files_are_explained_and_leave_nothing(tmp_path, name, content, words):
    with pytest.raises(DatasetError) as refused:
        imported(tmp_path, name, content.encode() if isinstance(content, str) else content)
    text = str(refused.value)
    assert words in text
    assert str(tmp_path) not in text and ".import" not in text and ".unpacked" not in text
    assert [path.name for path in tmp_path.iterdir()] == [f".import-1a2b{Path(name).suffix}"]


def test_what_the_hostile_files_are_made_of_is_accepted(tmp_path):
    assert imported(tmp_path, "a.txt", (line() + line(1)).encode()).object_ids == [1]
    assert imported(tmp_path, "a.csv", table().encode()).object_ids == [1]
    assert imported(tmp_path, "a.zip", labels(TRIANGLE)).object_ids == [1]
    assert imported(tmp_path, "a.zip", labels(TRIANGLE, lines={"00000": [4]})).object_ids == [4]
    assert imported(tmp_path, "a.zip", labels(zigzag(100))).object_ids == [1]
    assert imported(tmp_path, "a.zip", sixteen_bit(ONE * 1003)).object_ids == [3]


@pytest.mark.parametrize("module", [texts, archives])
def test_too_many_lines_are_refused(tmp_path, monkeypatch, module):
    monkeypatch.setattr(module, "MAX_LINES", 1000)
    many = "".join(line(place % FRAMES, 1 + place) for place in range(6000))
    rows = table().splitlines()
    if module is texts:
        with pytest.raises(DatasetError, match=r"a\.txt has more than the 1000 lines that are accepted"):
            imported(tmp_path, "a.txt", many.encode())
        with pytest.raises(DatasetError, match=r"a\.csv has more than the 1000 lines that are accepted"):
            imported(tmp_path, "a.csv", "\n".join([rows[0], *rows[1:2] * 6000]).encode())
        with pytest.raises(DatasetError, match=r"labels/00000\.txt has more than the 1000 lines that are accepted"):
            imported(tmp_path, "a.zip", labels(TRIANGLE * 6000))
        with pytest.raises(DatasetError, match=r"clip\.json lists 6000 masks; accepted are up to 1000"):
            imported(tmp_path, "a.zip", labels(TRIANGLE, frames={"1": [[0, 1, 1]] * 6000}))
    else:
        files = {f"labels/{frame}.txt": TRIANGLE * 400 for frame in range(FRAMES)}
        with pytest.raises(DatasetError, match="the zip holds more than the 1000 polygons that are accepted"):
            imported(tmp_path, "a.zip", zipped(files))


def test_too_many_numbers_files_and_bytes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "MAX_POLYGON_NUMBERS", 100)
    with pytest.raises(DatasetError, match=r"labels/00000\.txt, line 1 has more than 100 numbers"):
        imported(tmp_path, "a.zip", labels(zigzag(60)))
    with pytest.raises(DatasetError, match=r"labels/00000\.txt, line 1 is longer than the 2400 bytes"):
        imported(tmp_path, "a.zip", labels(zigzag(600)))
    monkeypatch.setattr(archives, "MAX_FILES", 5)
    with pytest.raises(DatasetError, match="unpacks to 6 files"):
        imported(tmp_path, "a.zip", zipped({f"labels/{frame}.txt": TRIANGLE for frame in range(6)}))
    monkeypatch.setattr(archives, "MAX_SIDECAR", 500)
    with pytest.raises(DatasetError, match=r"classes\.txt has 501 bytes; accepted are up to 500"):
        imported(tmp_path, "a.zip", zipped({"labels/0.txt": TRIANGLE, "classes.txt": "x" * 501}))
    monkeypatch.setattr(archives, "MAX_UNPACKED", 2_000_000)
    with pytest.raises(DatasetError, match="unpacks to 1 files of 3 MB"):
        imported(tmp_path, "a.zip", labels(" " * 3_000_000))


def test_outlines_of_too_many_points_or_too_long_are_refused_in_coco_too(tmp_path, monkeypatch):
    def outlined(numbers):
        image = {"id": 1, "height": SIZE[0], "width": SIZE[1]}
        own = {"id": 5, "image_id": 1, "segmentation": [numbers]}
        return json.dumps({"images": [image], "annotations": [own]}).encode()

    assert imported(tmp_path, "a.json", outlined([1, 1, 9, 1, 9, 9])).object_ids == [5]
    with pytest.raises(DatasetError, match=r"a\.json: annotation 5 has outlines of 9360 pixels in length"):
        imported(tmp_path, "a.json", outlined([0, 0, 520, 0] * 9))
    with pytest.raises(DatasetError, match="annotation 5 has an outline far outside of its picture"):
        imported(tmp_path, "a.json", outlined([0, 0, 600, 0, 5, 5]))
    with pytest.raises(DatasetError, match="it has an outline far outside of its picture"):
        check_outlines([np.array([[0, 0], [np.nan, 0], [5, 5]])], "it", Extent(SIZE, FRAMES))
    monkeypatch.setattr(bounds, "MAX_POLYGON_NUMBERS", 50)
    with pytest.raises(DatasetError, match="annotation 5 has outlines of 60 numbers; accepted are up to 50"):
        imported(tmp_path, "a.json", outlined([1, 1] * 30))


def test_checks_come_before_reading(tmp_path, monkeypatch):
    def read_too_early(*_, **__):
        raise AssertionError("read before it was checked")

    monkeypatch.setattr(reading.mots, "read", read_too_early)
    monkeypatch.setattr(reading.csv_tables, "read", read_too_early)
    monkeypatch.setattr(reading.alpha_video, "read", read_too_early)
    monkeypatch.setattr(archives, "read_any", read_too_early)
    with pytest.raises(DatasetError, match="line 2 has run lengths"):
        imported(tmp_path, "a.txt", (line() + line(1, counts=LONG)).encode())
    with pytest.raises(DatasetError, match="line 3 has run lengths"):
        imported(tmp_path, "a.csv", table(counts=LONG).encode())
    with pytest.raises(DatasetError, match=r"line 1: the coordinate 40\.0 is"):
        imported(tmp_path, "a.zip", labels("0 0.1 0.1 0.2 0.2 0.3 40\n"))
    with pytest.raises(DatasetError, match=r"clip\.json is 9 x 36"):
        imported(tmp_path, "a.zip", labels(TRIANGLE, width=9))
    with pytest.raises(DatasetError, match=r"a\.webm is 60 x 36"):
        imported(tmp_path, "a.webm", webm(width=60))
    with pytest.raises(AssertionError, match="read before"):
        imported(tmp_path, "a.webm", webm())
    with pytest.raises(AssertionError, match="read before"):
        imported(tmp_path, "a.txt", line().encode())
    assert yolo.read_line(TRIANGLE, "a", SIZE)[0] == 0
