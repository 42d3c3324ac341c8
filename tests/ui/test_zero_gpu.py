"""With a `spaces` package the computing calls are decorated; without one nothing changes."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest
from stand_in import event

from sam2_demo.engines.zero_gpu import on_gpu
from sam2_demo.ui.handlers import StudioHandlers

CLICK = {"points": [[25, 35, 1]], "box": None, "mask": None}


@pytest.fixture
def spaces(monkeypatch):
    """A package that notes which functions were given a GPU."""
    fake = ModuleType("spaces")
    fake.__spec__ = ModuleSpec("spaces", None)
    fake.given = []

    def gpu(duration):
        def decorate(work):
            def counted(*arguments):
                fake.given.append(work.__name__)
                return work(*arguments)

            return counted

        return decorate

    fake.GPU = gpu
    monkeypatch.setitem(sys.modules, "spaces", fake)
    return fake


def test_without_the_package_nothing_changes():
    assert on_gpu(len) is len


def test_computing_calls_get_a_gpu_and_others_do_not(spaces, server, clip, monkeypatch):
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    handlers = StudioHandlers(server)
    token = clip["token"]
    assert "result" in handlers.prompt(event(seq=1, token=token, frame=0, object_id=1, prompt=CLICK))
    assert len(server.sessions) == 0, "the folder holds what the other process made"
    answers = list(handlers.track(event(seq=2, token=token, direction="both", start=None)))
    assert answers[-1]["result"]["done"] == 19, "all but the frame that was clicked on"
    assert "result" in handlers.stop(event(seq=3, token=token))
    assert spaces.given == ["_prompt", "_track"]
