"""The page's scripts without a browser: `node --test`, and the vectors of run lengths that it reads."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as coco_mask

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
VECTORS = FOLDER / "run_length_vectors.json"


def example_masks():
    """Masks whose run lengths differ in kind: empty, full, touching edges, single pixels, noise, runs of many sizes."""
    random = np.random.default_rng(7)
    for height, width in ((1, 1), (3, 5), (40, 7), (720, 1280)):
        yield f"empty {height} x {width}", np.zeros((height, width), np.uint8)
        yield f"full {height} x {width}", np.ones((height, width), np.uint8)
        corners = np.zeros((height, width), np.uint8)
        corners[0, 0] = corners[-1, -1] = 1
        yield f"two corners {height} x {width}", corners
    for height, width in ((9, 11), (33, 20)):
        for share in (0.1, 0.5, 0.9):
            yield f"noise {share} {height} x {width}", (random.random((height, width)) < share).astype(np.uint8)
        box = np.zeros((height, width), np.uint8)
        box[2:7, 3:8] = 1
        yield f"box {height} x {width}", box
    rows, columns = np.mgrid[:720, :1280]
    yield "disc", (np.hypot(rows - 300, columns - 700) < 250).astype(np.uint8)
    yield "ring", (np.abs(np.hypot(rows - 300, columns - 700) - 200) < 40).astype(np.uint8)
    yield "stripes", (rows // 5 % 2)[:60, :80].astype(np.uint8)


def to_vector(name, mask):
    columns = mask.T.ravel()  # column by column
    changes = np.flatnonzero(np.diff(columns)) + 1
    runs = np.diff([0, *changes, columns.size]).tolist()
    ys, xs = np.nonzero(mask)
    box = [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1] if xs.size else None
    return {
        "name": name,
        "size": list(mask.shape),
        "counts": coco_mask.encode(np.asfortranarray(mask))["counts"].decode("ascii"),
        "runs": [0, *runs] if columns[0] else runs,
        "box": box,
    }


def to_text(vectors):
    return "[\n" + ",\n".join(json.dumps(vector) for vector in vectors) + "\n]\n"


def test_vectors_are_what_pycocotools_writes():
    assert VECTORS.read_text() == to_text(to_vector(*example) for example in example_masks())


def run_node(*arguments):
    node = shutil.which("node")
    if node is None and os.environ.get("CI") == "true":
        pytest.fail("node is missing: the page's scripts cannot be tested")
    if node is None:
        pytest.skip("testing the page's scripts needs Node 18 or later")
    return subprocess.run([node, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_scripts_in_node():
    files = sorted(str(path.relative_to(ROOT)) for path in FOLDER.glob("*.test.js"))
    assert len(files) >= 8
    done = run_node("--test", *files)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_a_wrong_script_is_found(tmp_path):
    wrong = tmp_path / "wrong.test.js"
    wrong.write_text('const test = require("node:test"); test("wrong", () => { throw new Error("seen"); });\n')
    done = run_node("--test", str(wrong))
    assert done.returncode != 0 and "seen" in done.stdout


if __name__ == "__main__":
    VECTORS.write_text(to_text(to_vector(*example) for example in example_masks()))
