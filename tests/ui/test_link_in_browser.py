"""The link to a session stays in the address bar until a person leaves: busy is not gone, and gone may be a mistake."""

import re

import pytest
from drive import IN_CHROMIUM
from playwright.sync_api import expect

pytestmark = IN_CHROMIUM


def fragment(tab):
    return tab.evaluate("location.hash")


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 503, "headers": {"Retry-After": "1"}, "json": {"error": "all places are in use"}},
        {"status": 502, "content_type": "text/html", "body": "<h1>Bad gateway</h1>"},
        {"status": 500, "content_type": "text/plain", "body": "Internal Server Error"},
    ],
)
def test_a_server_that_cannot_open_the_session_now_is_asked_again(tab, video, answer):
    video.click(25, 35)
    video.clicks(1)
    link, asked = fragment(tab), []

    def busy(route):
        asked.append(route.request.url)
        route.fulfill(**answer)

    tab.route(re.compile(r"/state$"), busy, times=1)
    tab.reload()
    video.root.get_by_text("cannot be opened just now").wait_for(timeout=20_000)
    assert fragment(tab) == link
    video.root.locator("canvas.sam-canvas").wait_for(timeout=20_000)
    assert len(asked) == 1 and fragment(tab) == link
    video.clicks(1)


def test_a_session_that_is_gone_keeps_its_link_until_another_file_is_opened(tab, video, clip_file):
    link = fragment(tab)
    gone = {"status": 404, "json": {"error": "this session is not open on the server (any more)"}}
    tab.route(re.compile(r"/state$"), lambda route: route.fulfill(**gone), times=1)
    tab.reload()
    video.root.locator(".sam-drop").wait_for(timeout=20_000)
    assert fragment(tab) == link
    tab.reload()
    video.root.locator("canvas.sam-canvas").wait_for(timeout=20_000)
    video.press("Other video")
    video.root.locator(".sam-drop").wait_for()
    assert fragment(tab) == ""
    video.upload(clip_file)
    assert fragment(tab) not in ("", link)


def test_a_person_may_leave_a_session_that_does_not_open(tab, video):
    answer = {"status": 503, "headers": {"Retry-After": "30"}, "json": {"error": "all places are in use"}}
    tab.route(re.compile(r"/state$"), lambda route: route.fulfill(**answer), times=1)
    tab.reload()
    expect(video.root.get_by_text("every 30 seconds")).to_be_visible(timeout=20_000)
    video.press("Leave this session")
    video.root.locator(".sam-drop").wait_for()
    assert fragment(tab) == ""
