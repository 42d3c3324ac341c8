"""The second look at small things: where it looks, what it changes and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from sam2_demo.network.config import EMBEDDED_CONFIG, OFFICIAL_CONFIGS
from sam2_demo.tracking import clip_view, closer_look, image_predictor
from sam2_demo.tracking.automatic_masks import AutomaticMaskGenerator
from sam2_demo.tracking.closer_look import ONE_WINDOW, CloserLook, Look, Window, _merged, window_for
from sam2_demo.tracking.image_predictor import ImagePredictor
from sam2_demo.tracking.options import TrackingOptions
from sam2_demo.tracking.prompts import BoxPrompt, PointPrompt, Prompts
from sam2_demo.tracking.video_predictor import VideoPredictor

SIZE = (720, 1280)
CENTRE = (900, 300)


@pytest.fixture(scope="module")
def scene():
    """A small star on a soft ground, (H, W, 3), and its mask."""
    ground = np.random.default_rng(1).integers(60, 120, (9, 16, 3), dtype=np.uint8)
    picture = cv2.resize(ground, SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    angles = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    radii = np.where(np.arange(10) % 2, 22, 50)
    corners = np.stack([np.cos(angles) * radii, np.sin(angles) * radii], axis=1) + CENTRE
    mask = np.zeros(SIZE, np.uint8)
    cv2.fillPoly(mask, [corners.astype(np.int32)], 1)
    picture[mask > 0] = (230, 190, 40)
    return picture, mask > 0


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def predict(embedded, picture, closer_look, mirrored=True, **prompt):
    answers = replace(embedded.config.answers, mirrored=mirrored)
    options = TrackingOptions(max_fill_area=0, closer_look=closer_look, follow_edges=False, answers=answers)
    predictor = ImagePredictor(embedded, options)
    predictor.set_image(picture)
    return predictor.predict(**prompt)


BOX = (CENTRE[0] - 50, CENTRE[1] - 48, CENTRE[0] + 51, CENTRE[1] + 48)


@pytest.mark.parametrize("prompt", [{"points": [CENTRE]}, {"box": BOX, "multimask": False}, {"box": BOX}])
def test_small_thing_gets_a_truer_outline(embedded, scene, prompt):
    picture, truth = scene
    plain, closer = (predict(embedded, picture, on, **prompt) for on in (False, True))
    assert iou(closer.masks[0], truth) > iou(plain.masks[0], truth) + 0.02
    assert closer.masks.shape == plain.masks.shape
    np.testing.assert_array_equal(closer.masks, closer.mask_logits > 0)
    assert (np.diff(closer.iou_predictions[1:]) <= 0).all()


def test_logits_to_refine_are_those_of_the_whole_picture(embedded, scene):
    plain, closer = (predict(embedded, scene[0], on, mirrored=False, points=[CENTRE]) for on in (False, True))
    np.testing.assert_array_equal(closer.low_res_logits, plain.low_res_logits)


def test_large_thing_is_left_alone(embedded, scene):
    whole = {"box": (10, 10, 1270, 710)}
    plain, closer = (predict(embedded, scene[0], on, **whole) for on in (False, True))
    np.testing.assert_array_equal(closer.mask_logits, plain.mask_logits)


def test_mirrored_picture_is_asked_only_where_there_is_no_closer_look(embedded, scene, monkeypatch):
    encode, encoded = image_predictor.encode_mirrored, []
    monkeypatch.setattr(image_predictor, "encode_mirrored", lambda *given: encoded.append(1) or encode(*given))
    predictor = ImagePredictor(embedded)
    predictor.set_image(scene[0])
    predictor.predict(points=[CENTRE])
    predictor.predict(box=BOX)
    assert not encoded
    for _ in range(2):
        predictor.predict(box=(10, 10, 1270, 710))
    assert len(encoded) == 1
    predictor.set_image(scene[0][:, ::-1])
    predictor.predict(box=(10, 10, 1270, 710))
    assert len(encoded) == 2


@pytest.mark.parametrize("closer_look", [True, False])
def test_mirrored_frame_is_asked_only_where_there_is_no_closer_look(embedded, scene, monkeypatch, closer_look):
    encode, encoded = clip_view.encode_mirrored, []
    monkeypatch.setattr(clip_view, "encode_mirrored", lambda *given: encoded.append(1) or encode(*given))
    session = VideoPredictor(embedded, TrackingOptions(closer_look=closer_look)).open([scene[0]] * 2)
    session.add_prompt(0, 1, box=BOX)
    assert len(encoded) == (0 if closer_look else 1)
    session.add_prompt(1, 2, box=(10, 10, 1270, 710))
    assert len(encoded) == (1 if closer_look else 2)
    session.close()


def test_next_picture_is_looked_at_anew(embedded, scene):
    predictor = ImagePredictor(embedded, TrackingOptions(max_fill_area=0, follow_edges=False))
    predictor.set_image(scene[0])
    predictor.predict(box=BOX)
    other = np.ascontiguousarray(scene[0][:, ::-1])
    predictor.set_image(other)
    np.testing.assert_array_equal(predictor.predict(box=BOX).masks, predict(embedded, other, True, box=BOX).masks)


def test_only_the_embedded_models_ask_for_it(nano_network, embedded):
    assert not any(config.closer_look for config in OFFICIAL_CONFIGS.values()) and EMBEDDED_CONFIG.closer_look
    assert TrackingOptions().looks_closer(embedded) and not TrackingOptions().looks_closer(nano_network)
    assert TrackingOptions(closer_look=True).looks_closer(nano_network)


def test_prompted_frame_of_a_clip(embedded, scene):
    picture, truth = scene
    scores = []
    for on in (False, True):
        session = VideoPredictor(embedded, TrackingOptions(closer_look=on)).open([picture, picture])
        shown = session.add_prompt(0, 1, box=BOX)
        assert shown.mask_logits[1].shape == SIZE
        scores.append(iou(shown.masks[1], truth))
        session.add_prompt(0, 1, points=[CENTRE], point_labels=[1], clear_previous=False)
        assert all(iou(result.masks[1], truth) > 0.3 for result in session.propagate())
        session.close()
    assert scores[1] > scores[0]


def test_clicks_beside_the_window_count_in_the_whole_picture_only(embedded, scene):
    first = predict(embedded, scene[0], True, points=[CENTRE])
    again = {"points": [(5, 5)], "point_labels": [0], "low_res_logits": first.low_res_logits[0]}
    plain, closer = (predict(embedded, scene[0], on, **again) for on in (False, True))
    np.testing.assert_array_equal(closer.mask_logits, plain.mask_logits)
    both = {"points": [CENTRE, (5, 5)], "point_labels": [1, 0], "low_res_logits": first.low_res_logits[0]}
    assert iou(predict(embedded, scene[0], True, **both).masks[0], scene[1]) > 0.8


def test_candidates_and_their_logits_keep_together(embedded, scene):
    plain, closer = (predict(embedded, scene[0], on, mirrored=False, box=BOX) for on in (False, True))
    assert (np.diff(closer.iou_predictions[1:]) <= 0).all()
    rows = {row.tobytes(): position for position, row in enumerate(plain.low_res_logits)}
    order = [rows[row.tobytes()] for row in closer.low_res_logits]
    assert sorted(order) == [0, 1, 2]


def test_box_with_earlier_logits_refines_them(embedded, scene):
    first = predict(embedded, scene[0], True, points=[CENTRE])
    empty = np.full_like(first.low_res_logits[0], -20)
    kept, lost = (
        predict(embedded, scene[0], True, box=BOX, low_res_logits=logits, multimask=False).mask_logits
        for logits in (first.low_res_logits[0], empty)
    )
    assert np.abs(kept - lost).max() > 0.1  # afresh, both would be equal


def test_tiny_thing_does_not_vanish_from_a_frame(embedded):
    """A low-res pixel of a 1080p frame covers 20 x 11 of its pixels."""
    frame = np.full((1080, 1920, 3), (40, 90, 50), np.uint8)
    cv2.circle(frame, (700, 500), 7, (240, 240, 240), -1)
    for prompt in ({"points": [(700, 500)]}, {"box": (690, 490, 711, 511)}):
        masks = []
        for on in (False, True):
            session = VideoPredictor(embedded, TrackingOptions(closer_look=on)).open([frame])
            masks.append(session.add_prompt(0, 1, **prompt).masks[1])
            session.close()
        assert masks[1].any() or not masks[0].any()


def logits_of(rows, columns):
    logits = np.full(SIZE, -5.0, np.float32)
    logits[rows, columns] = 5
    return logits


def whole_window(prompts, logits):
    return window_for(prompts, logits, 1.8, 0.6)


def test_window_lies_around_mask_and_positive_clicks():
    window = whole_window(Prompts((PointPrompt(460, 200),)), logits_of(slice(100, 150), slice(400, 450)))
    assert window == Window(340, 60, 520, 240)  # 1.8 times the 100 rows from mask to click, about their centre


def test_window_holds_box_and_positive_clicks():
    prompts = Prompts((PointPrompt(500, 300), PointPrompt(0, 0, False)), BoxPrompt(400, 200, 450, 250))
    assert whole_window(prompts, logits_of(slice(0, 1), slice(0, 1))) == Window(360, 160, 540, 340)


def test_window_stays_in_the_picture_and_has_a_least_size():
    assert whole_window(Prompts((PointPrompt(0, 0),)), logits_of(slice(0, 5), slice(0, 5))) == Window(0, 0, 48, 48)
    corner = Prompts(box=BoxPrompt(1270, 710, 1280, 720))
    assert whole_window(corner, logits_of(slice(0, 1), slice(0, 1))) == Window(1232, 672, 1280, 720)


@pytest.mark.parametrize("rows", [slice(0, 0), slice(0, 700)])
def test_no_window_for_nothing_or_for_much(rows):
    assert whole_window(Prompts((PointPrompt(9, 9),)), logits_of(rows, slice(0, 1280))) is None


@pytest.mark.parametrize(("columns", "is_cut"), [(slice(1, 15), False), (slice(0, 4), False), (slice(4, 16), True)])
def test_masks_that_run_into_an_inner_edge_are_cut(columns, is_cut):
    logits = np.full((16, 16), -1.0, np.float32)
    logits[4:8, columns] = 1
    assert Look(0, Window(0, 40, 100, 140), logits, None).is_cut((200, 300)) == is_cut


def test_prompts_seen_through_a_window():
    window = Window(100, 50, 200, 150)
    seen = window.shows(Prompts((PointPrompt(150, 60), PointPrompt(50, 60, False)), BoxPrompt(90, 60, 300, 140)))
    assert (seen.points, seen.box) == ((PointPrompt(50, 10),), BoxPrompt(0, 10, 100, 90))


def test_everything_mode_draws_small_things_truer(embedded, scene):
    picture, truth = scene
    shown = np.ascontiguousarray(picture[100:500, 600:1200])
    wanted = truth[100:500, 600:1200]
    options = {"points_per_side": 12, "pred_iou_thresh": 0.3, "stability_score_thresh": 0.5}
    scores = {}
    for on in (False, True):
        generator = AutomaticMaskGenerator(embedded, closer_look=on, **options)
        records = generator.generate(shown)
        scores[on] = max(iou(record["segmentation"], wanted) for record in records)
        for record in records:
            rows, columns = np.nonzero(record["segmentation"])
            x, y, width, height = record["bbox"]
            assert (x, y, width, height) == (
                columns.min(),
                rows.min(),
                columns.max() - columns.min(),
                rows.max() - rows.min(),
            )
            assert record["stability_score"] >= 0.5 and record["area"] == len(rows)
        found = [record for step in generator.steps(shown) for record in step.records]
        assert max(iou(record["segmentation"], wanted) for record in found) >= scores[on] - 1e-9
    assert scores[True] > scores[False] + 0.02


def ramp_seen_through(window, cells=16):
    """A look that shows logits growing by 0.02 per column and 0.01 per row of the picture."""
    height, width = window.size
    columns = window.x0 + (np.arange(cells) + 0.5) * width / cells
    rows = window.y0 + (np.arange(cells) + 0.5) * height / cells
    return Look(0, window, (0.02 * columns + 0.01 * rows[:, None] - 5).astype(np.float32), 0.5)


def test_looks_through_two_windows_are_averaged_in_place():
    narrow, wide = Window(140, 90, 236, 170), Window(100, 60, 292, 200)
    merged = _merged([replace(ramp_seen_through(narrow), iou_prediction=0.7), ramp_seen_through(wide)])
    assert merged.window == wide and merged.low_res_logits.shape == (32, 32) and merged.iou_prediction == 0.6
    pasted = merged.paste(merged.low_res_logits, (240, 320))
    columns, rows = np.arange(320) + 0.5, np.arange(240)[:, None] + 0.5
    truth = 0.02 * columns + 0.01 * rows - 5
    both = slice(100, 160), slice(150, 226)  # well inside of the narrow window
    np.testing.assert_allclose(pasted[both], truth[both], atol=2e-3)
    one = slice(70, 85), slice(110, 130)  # the narrow one saw nothing of it
    np.testing.assert_allclose(pasted[one], (truth[one] - 10) / 2, atol=2e-3)


def test_a_long_thing_gets_a_longer_window():
    prompts = Prompts((), BoxPrompt(100, 200, 300, 240))
    logits = np.zeros((480, 640), np.float32)
    assert window_for(prompts, logits, 1.2, 0.9) == Window(80, 100, 320, 340)
    assert window_for(prompts, logits, 1.2, 0.9, 1.6) == Window(80, 145, 320, 295)  # 240 x 150
    standing = Prompts((), BoxPrompt(200, 100, 240, 300))
    assert window_for(standing, logits, 1.2, 0.9, 10) == Window(196, 80, 244, 320)  # as wide as it is


@pytest.mark.parametrize(("options", "clicks", "counts"), [(None, 1, True), (None, 2, False), (ONE_WINDOW, 1, False)])
def test_the_first_answer_counts_half_to_a_single_prompt(monkeypatch, options, clicks, counts):
    look = ramp_seen_through(Window(10, 20, 70, 80))
    closer = CloserLook(None, None, options=options)
    monkeypatch.setattr(closer, "_through", lambda window, *_: [look] if window.size[0] > 70 else [])
    first = np.full((1, 150, 200), -4.0, np.float32)
    first[:, 30:80, 30:70] = 4.0
    prompts = Prompts(tuple(PointPrompt(40 + 5 * number, 50) for number in range(clicks)))
    (found,) = closer.refine(0, lambda: None, prompts, first)
    assert found.window == look.window and found.iou_prediction == 0.5
    alone = 0.02 * 40 + 0.01 * 50 - 5
    seen = found.low_res_logits[15:17, 15:17] if counts else found.low_res_logits[7:9, 7:9]
    assert seen.mean() == pytest.approx((alone + 0.5 * 4.0) / 1.5 if counts else alone, abs=1e-3)


def test_one_look_stays_as_it_is():
    look = ramp_seen_through(Window(0, 0, 60, 60))
    assert _merged([look]) is look


def test_windows_that_coincide_are_encoded_once(embedded, scene, monkeypatch):
    encoded = []
    whole = closer_look.encode_image
    monkeypatch.setattr(closer_look, "encode_image", lambda *given: encoded.append(given) or whole(*given))
    predictor = ImagePredictor(embedded, TrackingOptions(max_fill_area=0))
    predictor.set_image(scene[0])
    predictor.predict(box=BOX, multimask=False)
    assert len(encoded) == 2
    predictor.predict(box=BOX, multimask=False)
    assert len(encoded) == 2
    predictor.predict(box=(0, 0, 12, 12), multimask=False)  # both have the least size
    assert len(encoded) == 3


def test_the_best_mask_alone_is_refined_through_the_narrow_window(embedded, scene, monkeypatch):
    rows = []
    whole = closer_look.frame_step

    def counted(network, embedding, prompts, *more):
        rows.append(len(prompts.low_res_logits))
        return whole(network, embedding, prompts, *more)

    monkeypatch.setattr(closer_look, "frame_step", counted)
    predict(embedded, scene[0], True, points=[CENTRE])
    assert len(rows) == 2 and rows[0] == 1 and 1 <= rows[1] <= 3
