"""The page in Chromium as a person uses it."""

import shutil
from contextlib import suppress

import pytest
from playwright.sync_api import expect

from sam2_demo.errors import InputError

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

IN_CHROMIUM = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt-get install chromium)"),
]

# What is on the page is waited for, never looked at once: a busy machine takes seconds over what is usually instant.
expect.set_options(timeout=15_000)
# JavaScript that is run with the page's socket at hand, as `socket`.
ON_SOCKET = """(work) => {
    const url = performance.getEntriesByType("resource").map((own) => own.name)
        .find((name) => name.endsWith("server/socket.js"));
    return import(url).then(({ pageSocket }) => new Function("socket", work)(pageSocket));
}"""


class Drive:
    """The page's studio of one kind as a person uses it; places are in pixels of the original."""

    def __init__(self, tab, server, kind, size=(96, 160)):
        self.tab, self.server, self.kind, self.size = tab, server, kind, size
        self.root = tab.locator(f"#{kind}-studio")

    def upload(self, path):
        self.root.locator("input[type=file]").set_input_files(str(path))
        self.root.locator("canvas.sam-canvas").wait_for(timeout=20_000)
        return self

    def tracked(self):
        """Click on the red square, track it, and wait for the video."""
        self.click(25, 35)
        self.press("Track")
        self.root.locator(".sam-player video").wait_for(timeout=30_000)
        return self

    def place(self, x, y):
        box = self.root.locator("canvas.sam-canvas").bounding_box()
        scale = min(box["width"] / self.size[1], box["height"] / self.size[0])
        left = box["x"] + (box["width"] - self.size[1] * scale) / 2
        top = box["y"] + (box["height"] - self.size[0] * scale) / 2
        return left + x * scale, top + y * scale

    def click(self, x, y, button="left"):
        self.tab.mouse.click(*self.place(x, y), button=button)

    def drag(self, x0, y0, x1, y1):
        self.tab.mouse.move(*self.place(x0, y0))
        self.tab.mouse.down()
        self.tab.mouse.move(*self.place((x0 + x1) / 2, (y0 + y1) / 2))
        self.tab.mouse.move(*self.place(x1, y1))
        self.tab.mouse.up()

    def press(self, name):
        self.root.get_by_role("button", name=name, exact=True).click()

    def session(self):
        fragment = self.tab.evaluate("location.hash.slice(1)")
        token = dict(part.split("=") for part in fragment.split("&"))[self.kind]
        return self.server.sessions.get(token)

    def until(self, condition, what, seconds=30):
        """Waits until the session meets the condition; what is not there yet (an object, a mask) does not meet it."""
        self._poll(lambda: condition(self.session()), what, seconds)

    def sees(self, x, y, condition, what):
        """Waits until the colour (RGB) on the canvas at a place of the original meets the condition."""
        self._poll(lambda: condition(*self.color_at(x, y)), what, seconds=15)

    def _poll(self, holds, what, seconds):
        for _ in range(seconds * 20):
            with suppress(InputError, KeyError):
                if holds():
                    return
            self.tab.wait_for_timeout(50)
        raise AssertionError(f"never happened: {what}")

    def clicks(self, count):
        """Waits until the first object has so many clicks on frame 0."""
        self.until(lambda w: (0, 1) in w.prompts and len(w.prompts[(0, 1)].points) == count, f"{count} clicks")

    def color_at(self, x, y):
        """RGB on the canvas at a place of the original."""
        return self.root.locator("canvas.sam-canvas").evaluate(
            """(canvas, [x, y, w, h]) => {
                const scale = Math.min(canvas.width / w, canvas.height / h);
                const px = (canvas.width - w * scale) / 2 + x * scale, py = (canvas.height - h * scale) / 2 + y * scale;
                return [...canvas.getContext('2d').getImageData(px, py, 1, 1).data.slice(0, 3)];
            }""",
            [x, y, self.size[1], self.size[0]],
        )
