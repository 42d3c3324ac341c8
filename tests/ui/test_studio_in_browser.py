"""The studio in Chromium: effects per object, sound, corrections, other models, a server that goes away, phones."""

from __future__ import annotations

from drive import IN_CHROMIUM, Drive
from playwright.sync_api import expect

from sam2_demo.video import open_video

pytestmark = IN_CHROMIUM


def test_effects_of_one_object_alone_and_undo(tab, video):
    video.click(25, 35)
    video.until(lambda w: w.prompts, "the first object")
    video.press("+ Add object")
    video.click(130, 20)
    video.until(lambda w: (0, 2) in w.prompts, "the second object")
    video.root.get_by_label("Effects for").select_option(label="Object 2 alone")
    video.root.get_by_label("Objects effect").select_option("erase")
    video.until(lambda w: w.objects.get(2).effect == "erase", "an effect of its own")
    video.root.get_by_label("Objects variant").select_option("1")
    video.until(lambda w: w.objects.get(2).effect_variant == 1, "its variant")
    video.sees(126, 24, lambda *color: max(color) < 20, "the second object in black")
    video.sees(15, 45, lambda *color: color[2] > 60, "the first one's overlay")
    video.press("Undo")
    video.until(lambda w: w.objects.get(2).effect_variant == 0, "undo of the variant")
    video.root.get_by_label("Effects for").select_option(label="all objects")
    expect(video.root.get_by_label("Objects effect")).to_have_value("overlay")


def test_the_exported_file_has_each_object_s_own_effect(tab, video, tmp_path):
    video.click(25, 35)
    video.until(lambda w: w.prompts, "the first object")
    video.root.get_by_label("Effects for").select_option(label="Object 1 alone")
    video.root.get_by_label("Objects effect").select_option("erase")
    video.press("Track")
    video.root.locator(".sam-player video").wait_for(timeout=30_000)
    with open_video(video.session().folder / "overlay.mp4") as reader:
        assert reader.read(0)[35, 25].min() > 230


def test_the_clip_plays_with_its_sound_and_stops_on_a_frame(tab, app, sounding_clip):
    video = Drive(tab, app[0], "video").upload(sounding_clip)
    frame = video.root.get_by_label("Frame", exact=True)
    video.press("Play")
    tab.evaluate("document.querySelector('audio.sam-sound').playbackRate = 0.25")  # it must not end on the way
    tab.wait_for_function("document.querySelector('audio.sam-sound').currentTime > 0.4", timeout=15_000)
    video.press("Pause")
    heard = tab.evaluate("document.querySelector('audio.sam-sound').currentTime")
    assert abs(int(frame.input_value()) / 24 - heard) < 0.2, "picture and sound agree"
    assert tab.evaluate("document.querySelector('audio.sam-sound').paused")
    frame.fill("7")
    video.press("Play")
    tab.wait_for_function("document.querySelector('audio.sam-sound').currentTime > 0.28", timeout=15_000)
    video.press("Mute")
    assert tab.evaluate("document.querySelector('audio.sam-sound').muted")
    tab.get_by_role("tab", name="Image").click()
    tab.wait_for_function("document.querySelector('audio.sam-sound').paused", timeout=5_000)
    tab.get_by_role("tab", name="Video").click()
    assert int(frame.input_value()) < 40, "paused, not played to its end"


def test_a_made_video_is_there_after_a_reload_and_says_when_it_is_old(tab, video):
    video.tracked()
    tab.reload()
    video.root.locator(".sam-player video").wait_for(timeout=20_000)
    note = video.root.get_by_text("made before your last changes")
    assert not note.is_visible()
    video.root.get_by_label("Objects effect").select_option("outline")
    note.wait_for(state="visible", timeout=5_000)


def test_a_correction_tracks_only_what_it_touches(tab, video):
    video.tracked()
    video.press("Track")
    video.root.get_by_text("Nothing is left to track here").wait_for(timeout=10_000)
    video.root.get_by_label("Frame", exact=True).fill("10")
    tab.wait_for_timeout(300)
    video.click(65, 35)
    video.until(lambda w: (10, 1) in w.prompts, "a correction")
    video.press("+ Add object")
    video.click(130, 40)
    video.until(lambda w: (10, 2) in w.prompts, "an object added to results")
    video.press("Track")
    video.until(lambda w: not w.is_busy() and len(w.masklets().get(2, ())) == 20, "the new object everywhere")
    assert not any(video.session().stale.values())


def test_stop_is_answered_at_once_and_track_goes_on(tab, video):
    engine = video.session().engine
    engine.delay = 0.2
    try:
        video.click(25, 35)
        video.press("Track")
        video.root.get_by_text("of 20 frames").wait_for(timeout=10_000)
        video.press("Stop")
        video.root.get_by_text("what is done is kept").wait_for(timeout=5_000)
        done = len(video.session().masklets()[1])
    finally:
        engine.delay = 0.01
    assert 1 <= done < 20
    video.press("Track")
    video.root.get_by_text(f"{20 - done} frames tracked").wait_for(timeout=15_000)


def test_another_model_says_what_it_drops_and_keeps_the_prompts(tab, video):
    video.tracked()
    bar = tab.locator("#model-bar")
    bar.get_by_role("button", name="Change model").click()
    bar.get_by_role("button", name="Use: Embedded (small, nothing to download)").click()
    bar.get_by_text("those of tracked frames are dropped").wait_for(timeout=5_000)
    bar.get_by_role("button", name="Keep this one").click()
    assert len(video.session().masklets()[1]) == 20
    bar.get_by_role("button", name="Change model").click()
    bar.get_by_role("button", name="Use: Embedded (small, nothing to download)").click()
    bar.get_by_role("button", name="Change the model").click()
    bar.get_by_text("is in use from the next click").wait_for(timeout=10_000)
    session = video.session()
    assert session.engine.name == "embedded"
    assert session.prompts and session.masklets()[1].frame_indices == [0]
    expect(video.root.get_by_text("made before your last changes")).to_be_visible()


def test_masks_tracked_later_get_a_video_of_their_own(tab, video):
    video.root.get_by_label("Frame", exact=True).fill("10")
    tab.wait_for_timeout(300)
    video.click(65, 35)
    way = video.root.get_by_label("Which way to track")
    way.select_option("forward")
    video.press("Track")
    shown = video.root.locator(".sam-player video")
    shown.wait_for(timeout=30_000)
    first = shown.get_attribute("src")
    way.select_option("backward")
    video.press("Track")
    video.root.get_by_text("10 frames tracked").wait_for(timeout=15_000)
    tab.wait_for_function("(src) => document.querySelector('.sam-player video').getAttribute('src') !== src", arg=first)
    assert len(video.session().masklets()[1]) == 20
