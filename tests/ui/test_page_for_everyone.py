"""The studio in Chromium for everyone: lost servers, keys, phones in light and dark, four people at once."""

from __future__ import annotations

import pytest
from drive import IN_CHROMIUM, ON_SOCKET, Drive
from playwright.sync_api import expect

pytestmark = IN_CHROMIUM


def test_what_could_not_be_sent_arrives_when_the_server_is_back(tab, app, video):
    """Gradio may load the page again when it finds the server back; what waited on the page arrives either way."""
    video.click(25, 35)
    video.clicks(1)
    session = video.session()
    for path in ("**/queue/join*", "**/sam2/alive"):
        tab.route(path, lambda route: route.abort())
    tab.evaluate(ON_SOCKET, "socket.socket?.close()")
    video.click(30, 40)
    tab.wait_for_timeout(1000)
    assert len(session.prompts[(0, 1)].points) == 1
    for path in ("**/queue/join*", "**/sam2/alive"):
        tab.unroute(path)
    for _ in range(300):
        if len(session.prompts[(0, 1)].points) == 2:
            return
        tab.wait_for_timeout(50)
    raise AssertionError("the second click never arrived")


def test_an_unexpected_error_is_shown_with_a_way_to_try_again(tab, video, monkeypatch):
    session = video.session()
    with monkeypatch.context() as broken:
        broken.setattr(session, "_give", None)
        video.click(25, 35)
        video.root.get_by_text("something went wrong on the server").wait_for(timeout=10_000)
    video.root.get_by_role("alert").get_by_role("button", name="Try again").click()
    video.clicks(1)


QUARTER_MINUTES_PASS_AT_ONCE = """() => {
    const { setTimeout } = window;
    window.setTimeout = (work, delay, ...given) => setTimeout(work, delay === 15000 ? 50 : delay, ...given);
}"""


def test_marks_flags_and_visibility(tab, video):
    video.tracked()
    tab.keyboard.press("Escape")
    canvas = video.root.locator("canvas.sam-canvas")
    canvas.focus()
    tab.keyboard.press("i")
    video.until(lambda w: w.view.get("mark_in") == 0, "mark in")
    video.root.get_by_label("Frame", exact=True).fill("5")
    video.press("Out")
    video.until(lambda w: w.view.get("mark_out") == 5, "mark out")
    video.press("Hide Object 1")
    video.until(lambda w: not w.objects.get(1).visible, "hidden")
    video.press("Show Object 1")
    video.press("Lock Object 1")
    video.until(lambda w: w.objects.get(1).locked, "locked")
    tab.evaluate(QUARTER_MINUTES_PASS_AT_ONCE)
    video.click(30, 40)
    refusal = video.root.get_by_text("is locked")
    refusal.wait_for(timeout=5_000)
    video.press("Hide Object 1")
    video.until(lambda w: not w.objects.get(1).visible, "hidden")
    tab.wait_for_timeout(300)
    expect(refusal).to_be_visible()
    video.press("Unlock Object 1")
    video.click(30, 40)
    refusal.wait_for(state="hidden")
    video.press("Remove Object 1")
    video.press("Undo")
    told = video.root.locator("[role=alert]", has_text="press Track to follow it again")
    expect(told).to_have_count(1)
    expect(told).to_be_hidden()


def test_moving_a_point_zoom_and_preview(tab, video):
    video.click(25, 35)
    video.clicks(1)
    video.drag(25, 35, 33, 43)
    video.until(lambda w: abs(w.prompts[(0, 1)].points[0][0] - 33) < 2, "a moved point")
    video.press("Preview")
    tab.mouse.move(*video.place(130, 20))
    video.sees(130, 20, lambda red, green, _: min(red, green) > 80, "the preview under the pointer")
    video.press("Preview")
    video.press("Zoom in")
    tab.wait_for_timeout(200)
    video.press("Fit the picture")
    video.click(20, 30)
    video.clicks(2)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_nothing_sticks_out_and_touch_works(app, chromium, clip_file, theme):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{app[1]}?__theme={theme}")
    page.wait_for_selector("#video-studio .sam-drop", timeout=30_000)
    video = Drive(page, app[0], "video").upload(clip_file)
    page.touchscreen.tap(*video.place(25, 35))
    video.clicks(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    small = page.evaluate(
        """[...document.querySelectorAll('#video-studio button')].filter((b) => b.offsetParent)
            .filter((b) => b.getBoundingClientRect().height < 34).map((b) => b.textContent)"""
    )
    assert small == []
    faint = page.evaluate(CONTRAST)
    context.close()
    assert faint == []


# Texts of less than 4.5 : 1 against the nearest background that is not clear.
CONTRAST = """() => {
    const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
    const luma = ([r, g, b]) => [r, g, b].map((v) => v / 255)
        .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
    const behind = (node) => {
        for (let n = node; n; n = n.parentElement) {
            const c = parse(getComputedStyle(n).backgroundColor);
            if (c.length && (c.length < 4 || c[3] > 0.9)) return c;
        }
        return document.documentElement.style.colorScheme === 'dark' ? [11, 15, 25] : [255, 255, 255];
    };
    const found = [];
    for (const node of document.querySelectorAll('#video-studio :is(span, button, h3, strong, a, select, div)')) {
        const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
        if (!own || !node.offsetParent || node.disabled) continue;
        const a = luma(parse(getComputedStyle(node).color)), b = luma(behind(node));
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) found.push([node.textContent.slice(0, 30), Math.round(ratio * 10) / 10]);
    }
    return found;
}"""


def test_four_people_at_once_on_different_clips(app, chromium, clip_file, sounding_clip, tmp_path):
    """Each gets the masks of an object of their own colour."""
    places = {0: (25, 35), 1: (130, 20), 2: (25, 35), 3: (130, 20)}
    people = []
    for number in places:
        page = chromium.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.goto(app[1])
        page.wait_for_selector("#video-studio .sam-drop", timeout=30_000)
        people.append(Drive(page, app[0], "video").upload(clip_file if number < 2 else sounding_clip))
    for number, person in enumerate(people):
        person.click(*places[number])
        person.until(lambda w: w.prompts, "a click")
    for person in people:
        person.press("Track")
    for number, person in enumerate(people):
        frames = 20 if number < 2 else 48
        person.until(lambda w, n=frames: len(w.masklets().get(1, ())) == n, "all frames", seconds=40)
        x, y = places[number]
        mask = person.session().masklets()[1].mask(0)
        other = places[1 - number % 2]
        assert mask[y, x] and not mask[other[1], other[0]]
    tokens = {person.session().token for person in people}
    assert len(tokens) == 4
    for person in people:
        person.tab.context.close()
