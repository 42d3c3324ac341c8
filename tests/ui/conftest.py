"""A studio server over a stand-in model, with its routes and handlers."""

import socket
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

sys.path.insert(0, str(Path(__file__).resolve().parent))
from drive import CHROMIUM, FLAGS, Drive
from playwright.sync_api import sync_playwright
from stand_in import SIZE, an_object, event, load_stand_in, scene

from sam2_demo.engines.model_host import ModelHost
from sam2_demo.sessions.limits import Limits
from sam2_demo.ui.handlers import StudioHandlers
from sam2_demo.ui.page import build_page, launch_options
from sam2_demo.ui.routes import StudioRoutes
from sam2_demo.ui.settings import AppSettings
from sam2_demo.ui.studio_server import StudioServer
from sam2_demo.video import VideoWriter


@pytest.fixture(scope="session")
def clip_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "scene.mp4"
    with VideoWriter(path, SIZE[1], SIZE[0], frame_rate=24.0) as writer:
        for index in range(20):
            writer.write(scene(index))
    return path


@pytest.fixture(scope="session")
def sounding_clip(tmp_path_factory):
    """Two seconds with a tone."""
    path = tmp_path_factory.mktemp("sound") / "tone.mp4"
    with av.open(str(path), "w") as output:
        picture = output.add_stream("libx264", rate=24, options={"g": "12"})
        picture.width, picture.height, picture.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        sound = output.add_stream("aac", rate=48_000, layout="mono")
        for index in range(48):
            output.mux(picture.encode(av.VideoFrame.from_ndarray(scene(index % 20), format="rgb24")))
        output.mux(picture.encode())
        tone = (0.2 * np.sin(np.arange(96_000) / 20)).astype(np.float32)
        for start in range(0, len(tone), 1024):
            frame = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
            output.mux(sound.encode(frame))
        output.mux(sound.encode())
    return path


@pytest.fixture(scope="session")
def picture_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "scene.png"
    cv2.imwrite(str(path), scene(3)[..., ::-1])
    return path


@pytest.fixture
def server(tmp_path) -> StudioServer:
    settings = AppSettings(
        data_dir=tmp_path / "data", examples_dir=tmp_path / "none", limits=Limits(max_upload_mb=1, max_sessions=4)
    )
    return StudioServer(settings, ModelHost("auto", load_stand_in))


@pytest.fixture
def client(server) -> TestClient:
    return TestClient(Starlette(routes=StudioRoutes(server).all()))


@pytest.fixture
def handlers(server) -> StudioHandlers:
    return StudioHandlers(server)


@pytest.fixture
def ask(handlers):
    """Sends a question as the page does and gives the answer (a list of them for running tasks)."""

    def send(name, /, **data):
        answer = getattr(handlers, name)(event(seq=1, **data))
        return answer if isinstance(answer, dict) else list(answer)

    return send


@pytest.fixture
def clip(client, clip_file, ask) -> dict:
    """An open clip with two objects."""
    named = {"X-File-Name": "scene.mp4"}
    state = client.post("/sam2/upload/video", content=clip_file.read_bytes(), headers=named).json()
    for number in (1, 2):
        ask("command", token=state["token"], name="put_object", object=an_object(number))
    return state


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    settings = AppSettings(
        data_dir=tmp_path_factory.mktemp("data"), examples_dir=tmp_path_factory.mktemp("none"), limits=Limits()
    )
    server = StudioServer(settings, ModelHost("auto", load_stand_in))
    page = build_page(server)
    options = launch_options(server)
    _, url, _ = page.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", server_port=free_port(), **options
    )
    yield server, url
    page.close()


@pytest.fixture(scope="session")
def playwright():
    """The browsers' driver, of which there can be one at a time."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def chromium(playwright):
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def window(chromium):
    """A browser window whose tabs share what is loaded; the page keeps what is a person's own in its tab."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    yield context
    context.close()


@pytest.fixture
def tab(app, window):
    """A fresh tab on the page; fails on errors in its scripts."""
    page = window.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(app[1])
    page.wait_for_selector("#video-studio .sam-drop", timeout=30_000)
    yield page
    page.close()
    assert errors == []


@pytest.fixture
def video(tab, app, clip_file):
    """The video studio with a clip uploaded."""
    return Drive(tab, app[0], "video").upload(clip_file)
