"""The camera tab in Chromium, with a file as its camera."""

from __future__ import annotations

import cv2
import pytest
from drive import CHROMIUM, FLAGS, IN_CHROMIUM, ON_SOCKET
from playwright.sync_api import expect
from stand_in import scene

pytestmark = IN_CHROMIUM
SCALE = 4

PIXELS = """() => {
    const canvas = document.querySelector("#camera-studio canvas");
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    let red = 0, black = 0, x = 0, y = 0;
    for (let k = 0; k < data.length; k += 4) {
        const isRed = data[k] > 180 && data[k + 1] < 80 && data[k + 2] < 80;
        if (isRed) { red++; x += (k / 4) % width; y += Math.floor(k / 4 / width); }
        if (data[k] + data[k + 1] + data[k + 2] < 20) black++;
    }
    const rect = canvas.getBoundingClientRect();
    const scale = Math.min(rect.width / width, rect.height / height);
    const left = rect.left + (rect.width - width * scale) / 2, top = rect.top + (rect.height - height * scale) / 2;
    return { red, other: width * height - red - black, x: left + (x / red) * scale, y: top + (y / red) * scale };
}"""


@pytest.fixture(scope="module")
def camera_file(tmp_path_factory):
    """A red square that moves to and fro, 25 pictures a second."""
    path = tmp_path_factory.mktemp("camera") / "camera.y4m"
    height, width = SCALE * scene(0).shape[0], SCALE * scene(0).shape[1]
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C420jpeg\n".encode())
        for index in [*range(20), *range(20)[::-1]]:
            rgb = cv2.resize(scene(index), (width, height), interpolation=cv2.INTER_NEAREST)
            file.write(b"FRAME\n" + cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420).tobytes())
    return path


@pytest.fixture(scope="module")
def with_camera(camera_file, playwright):
    fake = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={camera_file}"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *fake])
    yield browser
    browser.close()


def open_camera(browser, url, permissions):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, permissions=permissions)
    page = context.new_page()
    page.goto(url)
    page.get_by_role("tab", name="Camera").click(timeout=30_000)
    return page, page.locator("#camera-studio")


@pytest.fixture
def camera(with_camera, app):
    page, root = open_camera(with_camera, app[1], ["camera"])
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    root.get_by_role("button", name="Start camera").click()
    expect(root.locator(".sam-pace")).to_contain_text("pictures a second")
    yield page, root
    page.context.close()
    assert errors == []


def click_square(page):
    place = page.evaluate(PIXELS)
    page.mouse.click(place["x"], place["y"])


def test_what_is_clicked_is_followed_with_effects_recorded_and_kept(app, camera):
    page, root = camera
    click_square(page)
    expect(root.locator(".sam-object")).to_contain_text("in sight")
    root.get_by_label("Live background effect").select_option("erase")
    root.get_by_label("Live background variant").select_option("1")  # black
    root.get_by_label("Live objects effect").select_option("none")
    for _ in range(3):  # while it moves: what is not black is the square, and all of it
        page.wait_for_timeout(300)
        seen = page.evaluate(PIXELS)
        assert seen["red"] > 0.8 * (31 * SCALE) ** 2 and seen["other"] < 0.2 * seen["red"], seen
    root.get_by_role("button", name="Record with effects").click()
    page.wait_for_timeout(1500)
    root.get_by_role("button", name="Stop recording").click()
    with page.expect_download() as download:
        root.get_by_role("link", name="Save camera").click()
    assert download.value.path().stat().st_size > 1000
    root.get_by_role("button", name="Keep the last seconds").click()
    root.get_by_role("button", name="Open the clip").click(timeout=30_000)
    page.locator("#video-studio .sam-timeline").wait_for(timeout=20_000)
    expect(page.locator("#video-studio .sam-object")).to_have_count(1)
    (token,) = [token for token in app[0].sessions.tokens() if f"video={token}" in page.url]
    kept = app[0].video(token)
    assert kept.num_frames > 10 and len(kept.prompts) == 1


def test_mirrored_clicks_and_removal(camera):
    page, root = camera
    root.get_by_role("button", name="Mirror").click()
    place, middle = page.evaluate(PIXELS), root.locator("canvas").bounding_box()
    page.mouse.click(2 * (middle["x"] + middle["width"] / 2) - place["x"], place["y"])
    expect(root.locator(".sam-object")).to_contain_text("in sight")
    share = root.locator(".sam-object .sam-quiet").text_content()
    assert 3 < float(share.split(",")[1].split("%")[0]) < 9  # the square, not the ground behind it
    root.get_by_role("button", name="Remove Object 1").click()
    expect(root.locator(".sam-object")).to_have_count(0)


def test_lost_connections_are_said_and_the_camera_goes_on(camera):
    page, root = camera
    click_square(page)
    expect(root.locator(".sam-object")).to_contain_text("in sight")
    page.evaluate(ON_SOCKET, "socket.socket.close()")
    expect(root.locator(".sam-notice")).to_contain_text("The server is back. Click on the objects again.")
    expect(root.locator(".sam-object")).to_have_count(0)
    click_square(page)
    expect(root.locator(".sam-object")).to_contain_text("in sight")


def test_twenty_megabytes_end_the_connection_and_it_comes_back(camera):
    page, root = camera
    page.evaluate(ON_SOCKET, "socket.sendFrame(1, 0, new ArrayBuffer(20_000_000))")
    expect(root.locator(".sam-notice")).to_contain_text("tries again")
    page.wait_for_timeout(2500)
    click_square(page)
    expect(root.locator(".sam-object")).to_contain_text("in sight")


def test_a_refused_permission_is_said_with_what_to_do(with_camera, app):
    page, root = open_camera(with_camera, app[1], [])
    root.get_by_role("button", name="Start camera").click()
    expect(root.locator(".sam-notice")).to_contain_text("not allowed to use the camera")
    expect(root.get_by_role("button", name="Start camera")).to_be_visible()
    page.context.close()


def test_a_page_without_https_says_what_to_do(with_camera, app):
    page, root = open_camera(with_camera, app[1], ["camera"])
    page.evaluate("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    root.get_by_role("button", name="Start camera").click()
    expect(root.locator(".sam-notice")).to_contain_text("https")
    page.context.close()


def test_two_tabs_have_a_stream_each(with_camera, app, camera):
    first, root = camera
    second, other = open_camera(with_camera, app[1], ["camera"])
    other.get_by_role("button", name="Start camera").click()
    expect(other.locator(".sam-pace")).to_contain_text("pictures a second")
    click_square(first)
    expect(root.locator(".sam-object")).to_contain_text("in sight")
    expect(other.locator(".sam-object")).to_have_count(0)
    second.context.close()
