"""Everything mode in Chromium: found, filtered without running again, picked, joined, taken home, tracked."""

import itertools
import json
import re

import cv2
import numpy as np
from drive import IN_CHROMIUM, Drive
from playwright.sync_api import expect

from sam2_demo.masks.overlaps import BOX_NMS_THRESHOLD, box_nms
from sam2_demo.masks.run_lengths import encode_rle
from sam2_demo.rendering.palette import hex_to_color
from sam2_demo.ui.studio_state import PALETTE

pytestmark = IN_CHROMIUM


def options(drive):
    return drive.root.get_by_role("listbox", name="Masks found").get_by_role("option")


def test_find_filter_pick_join_and_take_home(tab, video, tmp_path):
    video.press("Find everything")
    options(video).nth(1).wait_for(timeout=40_000)
    tab.wait_for_timeout(300)
    expect(video.root.locator("canvas.sam-everything")).to_be_visible()
    for slider, place in (("Predicted IoU from", "10"), ("Stability from", "30"), ("Area up to", "100")):
        video.root.get_by_label(slider).fill(place)
    expect(options(video)).to_have_count(3)
    video.root.get_by_label("Predicted IoU from").fill("60")
    expect(options(video)).to_have_count(2)
    video.root.get_by_label("Stability from").fill("95")
    expect(options(video)).to_have_count(1)
    video.root.get_by_label("Stability from").fill("30")
    tab.mouse.move(*video.place(25, 35))
    described = re.compile("Mask 1: .* % of the picture, predicted IoU 0.90, stability 0.97")
    video.root.get_by_text(described).wait_for(timeout=10_000)
    video.click(25, 35)
    options(video).nth(1).focus()
    tab.keyboard.press("Space")
    expect(video.root.get_by_text("2 masks shown of 3 found, 2 picked.")).to_be_visible()
    options(video).nth(0).focus()
    tab.keyboard.press("j")
    expect(options(video)).to_have_count(1)
    with tab.expect_download() as download:
        video.root.get_by_role("link", name="COCO JSON").click()
    download.value.save_as(tmp_path / "a.json")
    (joined,) = json.loads((tmp_path / "a.json").read_text())["annotations"]
    assert joined["bbox"][0] <= 10 and joined["bbox"][2] > 100
    video.press("Undo")
    expect(options(video)).to_have_count(2)
    video.press("Delete")
    expect(options(video)).to_have_count(0)
    video.press("Undo")
    video.press("Join")
    expect(options(video)).to_have_text(["J2"])
    tab.reload()
    video.press("Show masks found")
    expect(options(video)).to_have_text(["J2"])
    expect(video.root.get_by_text("1 masks shown of 3 found, 1 picked.")).to_be_visible()
    expect(video.root.get_by_label("Predicted IoU from")).to_have_value("60")


def test_track_these(tab, video):
    video.press("Find everything")
    options(video).nth(1).wait_for(timeout=40_000)
    video.root.get_by_label("Predicted IoU from").fill("60")
    video.press("Pick all")
    video.press("Track these")
    video.until(lambda w: sorted(len(m) for m in w.masklets().values()) == [20, 20], "both are tracked")
    assert all(prompt.mask for prompt in video.session().prompts.values())
    assert sorted(info.stability for info in video.session().objects) == [0.9, 0.97]
    tab.reload()
    video.root.locator("canvas.sam-canvas").wait_for(timeout=20_000)
    video.press("Show masks found")
    options(video).nth(1).wait_for(timeout=5_000)


def test_look_again_tracks_what_no_object_covers(tab, video):
    video.press("Find everything")
    options(video).nth(1).wait_for(timeout=40_000)
    video.root.get_by_label("Predicted IoU from").fill("60")
    video.click(25, 35)  # the square only
    video.root.get_by_label("Looking again").select_option("1")
    video.press("Track these")
    video.root.get_by_text("Looked again on 1 frame: 1 new object.").wait_for(timeout=60_000)
    work = video.session()
    assert sorted(len(m) for m in work.masklets().values()) == [20, 20]
    (square, disc) = sorted(work.prompts)  # (frame, object)
    assert square[0] == 0 and disc[0] == 19  # found again where a second was over, at the clip's end
    assert work.masklets()[disc[1]].mask(19)[58, 130]
    video.press("Show masks found on frame 19")
    tab.wait_for_timeout(300)
    expect(options(video)).to_have_count(0)
    video.root.get_by_label("Only what no object covers yet").uncheck()
    expect(options(video)).to_have_count(2)


LOOPS = """async (script) => {
    const { LookAgain } = await import(script);
    const told = async (times, every, { known = true, tracks = true } = {}) => {
        const seen = [], store = {
            clip: { num_frames: times.length }, objects: [], knowsMasks: () => known, setTasks() {},
            timeOf: (frame) => times[frame],
            frameAt: (at) => Math.max(0, times.findLastIndex((time) => time <= at + 1e-3)),
        };
        const parts = {
            store, host: { config: { limits: { max_objects: 9 } } }, runs: { track: () => tracks },
            walk: { needMasks() {}, goto: (frame) => seen.push(frame) },
        };
        const loop = new LookAgain(parts, () => ({ shown: () => [{ iou: 1, stability: 1 }] }));
        loop.every.value = String(every);
        if (!known) setTimeout(() => { loop.closed = true; }, 300);
        const { finished } = await loop.run(0, () => {});
        return [finished, ...seen];
    };
    const even = [...Array(60).keys()].map((k) => k / 10);
    const still = [...even.slice(0, 20), ...even.slice(45)]; // nothing changes from 1.9 s to 4.5 s
    return [
        await told(even, 2), await told(still, 1), await told([0, 2, 4], 1), await told([0], 1),
        await told(even, 2, { tracks: false }), await told(even, 2, { known: false }),
    ];
}"""


def test_looks_are_so_many_seconds_apart_and_end_when_stopped(tab):
    loaded = tab.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    (script,) = {name for name in loaded if "look_again" in name}
    even, still, slow, one, stopped, closed = tab.evaluate(LOOPS, script)
    assert even == [True, 20, 40, 59, 0]
    assert still == [True, 10, 19, 25, 34, 0]
    assert slow == [True, 1, 2, 0] and one == [True, 0]
    assert stopped == [False, 20, 0] and closed == [False, 20]


def test_coverage_counts_pixels(tab):
    rng = np.random.default_rng(1)
    shapes = rng.random((4, 30, 44)) < 0.3
    shapes[3] = False
    codes = [encode_rle(mask)["counts"] for mask in shapes]
    loaded = tab.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    (script,) = {name for name in loaded if "coverage" in name}
    got = tab.evaluate(
        """async ([script, codes]) => {
            const { Coverage } = await import(script);
            const cover = (some) => new Coverage(some, [30, 44], [30, 44]);
            const doubled = new Coverage([codes[0]], [30, 44], [60, 88]);
            return [codes.map((counts) => cover(codes.slice(0, 2)).share(counts)), cover([]).share(codes[2]),
                doubled.before.at(-1)];
        }""",
        [script, codes],
    )
    union = shapes[0] | shapes[1]
    expected = [1, 1, (shapes[2] & union).sum() / shapes[2].sum(), 1]
    np.testing.assert_allclose(got[0], expected, rtol=1e-12)
    assert got[1] == 0 and 0.8 < got[2] / (4 * shapes[0].sum()) < 1.2


def test_everything_in_a_picture_becomes_objects(tab, app, picture_file):
    tab.get_by_role("tab", name="Image").click()
    drive = Drive(tab, app[0], "picture").upload(picture_file)
    drive.press("Find everything")
    options(drive).nth(1).wait_for(timeout=40_000)
    expect(drive.root.get_by_text("Click on a mask to pick it")).to_be_visible()
    drive.click(37, 35)
    drive.press("Make objects")
    drive.until(lambda w: 1 in w.candidates and w.candidates[1].mask[35, 37], "a mask of the square")
    expect(drive.root.get_by_text("More clicks refine the mask")).to_be_visible()


COLORS = """async ([script, palette, first, wanted]) => {
    const { Store } = await import(script);
    const objects = [{ object_id: 1, color: first }];
    const store = new Store({ kind: 'picture', clip: {}, palette, objects, prompts: [], candidates: {} });
    for (const color of wanted) store.objects.push(store.newObject(store.objects, color));
    return store.objects.map((object) => object.color);
}"""


def test_new_objects_have_colors_clearly_different_from_those_in_use(tab):
    loaded = tab.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    (script,) = {name for name in loaded if "store.js" in name}

    def lab(color):
        return cv2.cvtColor(np.float32([[hex_to_color(color)]]) / 255, cv2.COLOR_RGB2Lab)[0, 0]

    for first, wanted in ((PALETTE[0], [None] * 14), ("#eeee44", [None] * 12), (PALETTE[0], PALETTE[20:23] * 3)):
        found = tab.evaluate(COLORS, [script, PALETTE, first, wanted])
        apart = [np.linalg.norm(lab(a) - lab(b)) for a, b in itertools.combinations(found, 2)]
        assert min(apart) > 18, found
    kept = tab.evaluate(COLORS, [script, PALETTE, PALETTE[0], [PALETTE[5], PALETTE[20]]])
    assert kept[1] == PALETTE[5] and kept[2] == PALETTE[1], "as it was seen, unless that is taken"
    assert len(tab.evaluate(COLORS, [script, PALETTE, PALETTE[0], [None] * 60])) == 61


def test_the_page_filters_as_the_network_would(tab):
    """The page's own filter against the project's suppression on random boxes and scores."""
    rng = np.random.default_rng(4)
    corners = rng.integers(0, 60, (200, 2))
    boxes = np.concatenate([corners, corners + rng.integers(10, 40, (200, 2))], axis=1).astype(np.float32)
    ious, stability = rng.permutation(200) / 200, rng.random(200)
    masks = [
        {"id": k + 1, "box": boxes[k].tolist(), "iou": float(ious[k]), "stability": float(stability[k]), "area": 50}
        for k in range(200)
    ]
    passing = np.flatnonzero((ious >= 0.3) & (stability >= 0.4))
    expected = passing[box_nms(boxes[passing], ious[passing].astype(np.float32), BOX_NMS_THRESHOLD)] + 1
    loaded = tab.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    (script,) = {name for name in loaded if "found_masks" in name}
    got = tab.evaluate(
        """async ([script, masks]) => {
            const { filtered, startingPoint } = await import(script);
            const limits = { iou: 0.3, stability: 0.4, areaMin: 0, areaMax: 1 };
            const start = startingPoint(masks, 10000);
            return [filtered(masks, limits, 10000).map((mask) => mask.id), filtered(masks, start, 10000).length];
        }""",
        [script, masks],
    )
    assert got[0] == expected.tolist() and 25 <= got[1] <= 40
