"""The page in Chromium: the whole job with the mouse, and what the server made of it."""

import re
import time

from drive import IN_CHROMIUM, Drive
from playwright.sync_api import expect

from sam2_demo.errors import InputError
from sam2_demo.sessions import mask_files
from sam2_demo.video import open_video

pytestmark = IN_CHROMIUM


def test_from_a_clip_to_a_masklet_and_its_video(tab, video, tmp_path):
    video.click(25, 35)
    video.until(lambda w: 0 in w.masklets().get(1, ()), "a mask of the first click")
    video.sees(15, 45, lambda red, _, blue: blue > 60 and red < 200, "the mask on the canvas")
    video.click(30, 40, button="right")
    video.until(lambda w: w.prompts[(0, 1)].labels == (1, 0), "a negative click")
    video.press("+ Add object")
    video.drag(118, 8, 142, 32)
    video.until(lambda w: w.prompts.get((0, 2)) is not None, "a box for the second object")
    x0, y0, x1, y1 = video.session().prompts[(0, 2)].box
    assert abs(x0 - 118) < 1 and abs(y0 - 8) < 1 and abs(x1 - 142) < 1 and abs(y1 - 32) < 1
    video.press("Track")
    video.root.locator(".sam-player video").wait_for(timeout=30_000)
    assert {i: len(m) for i, m in video.session().masklets().items()} == {1: 20, 2: 20}
    tab.wait_for_function("document.querySelector('#video-studio .sam-player video').readyState >= 2")
    with tab.expect_download() as download:
        video.root.get_by_role("link", name="Download video (MP4)").click()
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    with open_video(saved) as reader:
        assert reader.num_frames == 20
    with tab.expect_download() as download:
        video.press("Download masks of all objects")
    assert download.value.suggested_filename == "scene_png.zip"


def test_masks_that_take_their_time_say_so_until_they_arrive(tab, video, tmp_path, monkeypatch):
    video.tracked()
    read = video.session().reader.read
    monkeypatch.setattr(video.session().reader, "read", lambda index: (time.sleep(0.15), read(index))[1])
    video.root.get_by_label("Format of the masks").select_option("alpha")
    with tab.expect_download() as download:
        video.press("Download masks of all objects")
        expect(video.root.get_by_role("button", name="The file is being made …")).to_be_disabled()
        expect(video.root.get_by_text(re.compile(r"Making the file: \d+ of 20 frames"))).to_be_visible()
    assert download.value.suggested_filename == "scene_alpha.webm"
    download.value.save_as(tmp_path / "scene.webm")
    assert (tmp_path / "scene.webm").stat().st_size > 500
    again = video.root.get_by_role("button", name="Download masks of all objects")
    expect(again).to_be_enabled()

    def refuse(*_):
        raise InputError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(mask_files, "write_masks", refuse)
        again.click()
        expect(video.root.get_by_role("alert").get_by_text("the disk is full")).to_be_visible()
    expect(again).to_be_enabled()
    with tab.expect_download():
        video.root.get_by_role("button", name="Try again").click()
    expect(video.root.get_by_role("alert")).to_have_count(0)


def test_a_correction_after_tracking_survives_tracking_again(tab, video):
    video.click(25, 35)
    video.press("Track")
    video.root.locator(".sam-player video").wait_for(timeout=30_000)
    video.root.get_by_label("Frame", exact=True).fill("10")
    tab.wait_for_timeout(400)
    video.click(65, 35, button="right")
    video.until(lambda w: w.prompts.get((10, 1)) is not None, "a correction on frame 10")
    video.press("Track")
    video.until(lambda w: not w.is_busy() and len(w.masklets()[1]) == 20, "tracking again")
    assert video.session().prompts[(10, 1)].labels == (0,)


def test_stop_keeps_what_is_done(tab, video):
    engine = video.session().engine
    engine.delay = 0.2
    try:
        video.click(25, 35)
        of_frame_0 = video.root.locator(".sam-candidate").nth(1).element_handle(timeout=10_000)
        video.press("Track")
        video.root.get_by_text(re.compile(r"^\d+ of 20 frames")).wait_for(timeout=10_000)
        expect(video.root.locator(".sam-candidate")).to_have_count(0)
        video.press("Stop")
        video.root.get_by_text("what is done is kept").wait_for(timeout=5_000)
        assert 1 <= len(video.session().masklets()[1]) < 20
    finally:
        engine.delay = 0.01
    expect(video.root.get_by_label("Frame", exact=True)).not_to_have_value("0")
    expect(video.root.locator(".sam-candidate")).to_have_count(0)
    of_frame_0.evaluate("(card) => card.click()")
    video.press("+ Add object")
    video.until(lambda w: len(w.objects) == 2, "what came after the click on a candidate that is gone")
    assert list(video.session().prompts) == [(0, 1)]
    video.root.get_by_label("Frame", exact=True).fill("0")
    video.root.locator(".sam-object").first.click()
    expect(video.root.locator(".sam-candidate")).to_have_count(0)


def test_undo_redo_and_deleting_a_point(tab, video):
    video.click(25, 35)
    video.click(30, 40)
    video.clicks(2)
    video.press("Undo")
    video.clicks(1)
    video.press("Redo")
    video.clicks(2)
    video.click(30, 40)
    video.clicks(1)
    video.press("Clear")
    video.until(lambda w: not w.prompts, "clear")


def test_many_quick_clicks_arrive_complete(tab, video):
    for step in range(8):
        video.click(13 + 3 * step, 24 if step % 2 else 46)
    video.clicks(8)


def test_the_link_brings_everything_back(tab, app, video):
    video.click(25, 35)
    video.press("Track")
    video.root.locator(".sam-player video").wait_for(timeout=30_000)
    tab.reload()
    video.root.locator("canvas.sam-canvas").wait_for(timeout=20_000)
    video.sees(15, 45, lambda red, _, blue: blue > 60 and red < 200, "the mask on the canvas")
    expect(video.root.get_by_text("prompts on 1 frame")).to_have_count(1)


def test_bad_files_are_explained_and_the_page_goes_on(tab, app, tmp_path, clip_file):
    drive = Drive(tab, app[0], "video")
    fake = tmp_path / "<b>fake<b>.mp4"
    fake.write_text("this is no video")
    drive.root.locator("input[type=file]").set_input_files(str(fake))
    alert = drive.root.get_by_role("alert")
    alert.wait_for(timeout=10_000)
    expect(alert).to_contain_text("fake")
    expect(drive.root.locator(".sam-notice b")).to_have_count(0)
    drive.upload(clip_file)


def test_a_forgotten_link_says_so(tab, app):
    tab.goto(app[1] + "#video=" + "A" * 32)
    tab.reload()
    tab.get_by_text("not open on the server").wait_for(timeout=10_000)


def test_a_picture_has_candidates_and_downloads(tab, app, picture_file):
    tab.get_by_role("tab", name="Image").click()
    drive = Drive(tab, app[0], "picture").upload(picture_file)
    drive.click(37, 35)
    drive.root.locator(".sam-candidate").nth(2).wait_for(timeout=10_000)
    drive.root.get_by_role("button", name="Candidate 2, score 70 %").click()
    drive.until(lambda w: w.candidates[1].chosen == 1, "the second candidate")
    drive.press("+ Add object")
    expect(drive.root.get_by_text("Object 2 has no mask yet: click on it.")).to_be_visible()
    expect(drive.root.get_by_role("link", name="Download overlay of all objects (PNG)")).to_be_visible()
    expect(drive.root.get_by_role("link", name="Download mask of")).to_have_count(0)
    drive.root.locator(".sam-object").first.click()
    for name, saved in (
        ("Download mask of Object 1 (PNG)", "scene_mask_1.png"),
        ("Download cut-out of Object 1 (PNG)", "scene_cutout_1.png"),
        ("Download overlay of all objects (PNG)", "scene_overlay.png"),
    ):
        with tab.expect_download() as download:
            drive.root.get_by_role("link", name=name).click()
        assert download.value.suggested_filename == saved
    tab.reload()
    drive.root.locator(".sam-candidate").nth(2).wait_for(timeout=20_000)
    expect(drive.root.locator("canvas.sam-canvas")).to_be_visible()


def test_another_model_without_restart(tab, app, video):
    video.click(25, 35)
    bar = tab.locator("#model-bar")
    bar.get_by_role("button", name="Change model").click()
    bar.get_by_role("button", name="Use: Embedded (small, nothing to download)").click()
    bar.get_by_text("is in use from the next click").wait_for(timeout=10_000)
    assert video.session().engine.name == "embedded"
    video.click(30, 40)
    video.clicks(2)


def test_brush_eraser_and_boxes_by_two_clicks(tab, video):
    video.press("Brush")
    video.drag(60, 60, 90, 60)
    video.until(lambda w: w.prompts[(0, 1)].mask and w.masklets()[1].area(0), "a painted mask")
    painted = video.session().masklets()[1].area(0)
    video.press("Eraser")
    video.drag(75, 50, 75, 70)
    video.until(lambda w: 0 < w.masklets()[1].area(0) < painted, "a rubbed mask")
    video.press("+ Add object")
    video.press("Box")
    video.click(118, 8)
    video.click(142, 32)
    video.until(lambda w: w.prompts.get((0, 2)) is not None and w.prompts[(0, 2)].box, "a box of two clicks")


def test_everything_by_keyboard(tab, video):
    canvas = video.root.locator("canvas.sam-canvas")
    canvas.focus()
    for _ in range(3):
        tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("Enter")
    video.clicks(1)
    tab.keyboard.press("Shift+ArrowUp")
    tab.keyboard.press("Backspace")
    video.until(lambda w: w.prompts[(0, 1)].labels == (1, 0), "a negative point")
    tab.keyboard.press("Control+z")
    video.clicks(1)
    tab.keyboard.press(".")
    tab.keyboard.press(".")
    expect(video.root.get_by_label("Frame", exact=True)).to_have_value("2")
    tab.keyboard.press("?")
    expect(video.root.get_by_role("dialog")).to_be_visible()
    tab.keyboard.press("Escape")
    canvas.focus()
    tab.keyboard.press("t")
    video.until(lambda w: len(w.masklets()[1]) == 20 and not w.is_busy(), "tracking by key")


def test_names_with_markup_stay_text_and_views_come_back(tab, video):
    video.click(25, 35)
    name = video.root.get_by_label("Name of Object 1")
    name.fill("<img src=x onerror=window.hacked=1>")
    name.press("Enter")
    video.root.get_by_label("Objects effect").select_option("label")
    video.root.get_by_label("Background effect").select_option("desaturate")
    video.until(lambda w: w.view.get("background") == "desaturate", "the view")
    tab.reload()
    video.root.locator("canvas.sam-canvas").wait_for(timeout=20_000)
    tab.wait_for_timeout(400)
    assert tab.evaluate("window.hacked") is None
    expect(video.root.locator("img[src=x]")).to_have_count(0)
    expect(video.root.get_by_label("Objects effect")).to_have_value("label")


def test_candidates_of_a_clip_s_click_can_be_chosen(tab, video):
    video.click(25, 35)
    chosen = video.root.locator(".sam-candidate[aria-pressed=true]")
    expect(chosen).to_have_accessible_name("Candidate 1, score 90 %")
    video.root.get_by_role("button", name="Candidate 2, score 70 %").click(timeout=10_000)
    video.until(lambda w: w.prompts[(0, 1)].mask is not None, "the second candidate")
    expect(video.root.locator(".sam-candidate")).to_have_count(3)
    expect(chosen).to_have_accessible_name("Candidate 2, score 70 %")
    video.press("Play")
    expect(video.root.locator(".sam-candidate")).to_have_count(0)
