"""Detectors from a Hub that breaks off, sends damaged files or lacks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants

from sam2_demo import load_detector
from sam2_demo.detection import loading
from sam2_demo.errors import WeightsError
from tests.detection.tiny_detectors import owl
from tests.fake_hub import FakeHub

REPO = "someone/tiny-owl"
RGB = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return owl(tmp_path_factory.mktemp("owl"))


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path) -> Iterator[Callable[..., FakeHub]]:
    started: list[FakeHub] = []
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)

    def start(without: tuple[str, ...] = (), **behaviour: object) -> FakeHub:
        files = {(REPO, path.name): path.read_bytes() for path in folder.iterdir() if path.name not in without}
        fake = FakeHub(files, **behaviour).__enter__()  # type: ignore[arg-type]
        started.append(fake)
        monkeypatch.setenv("HF_ENDPOINT", fake.endpoint)
        return fake

    yield start
    for fake in started:
        fake.__exit__()


def _answers_as(folder: Path, detector) -> bool:
    ours, own = detector.find(RGB, ["dog"], 0.1), load_detector(folder).find(RGB, ["dog"], 0.1)
    return len(own) > 0 and np.array_equal(ours.boxes, own.boxes) and np.array_equal(ours.scores, own.scores)


def test_a_repository_is_downloaded_once_with_progress(serve, folder: Path) -> None:
    fake = serve()
    steps: list[str] = []
    assert _answers_as(folder, load_detector(REPO, progress=lambda step, _: steps.append(step)))
    assert any(step.startswith("Downloading model.safetensors") for step in steps)
    assert steps[-1] == f"Loading {REPO}"
    gets = fake.count("GET")
    assert _answers_as(folder, load_detector(REPO))
    assert fake.count("GET") == gets


def test_broken_downloads_go_on_where_they_stopped(serve, folder: Path) -> None:
    fake = serve(breaks=3, break_after=300)
    assert _answers_as(folder, load_detector(REPO))
    assert any("bytes=" in request for request in fake.requests)


def test_damaged_downloads_are_told_and_loaded_anew(serve, folder: Path) -> None:
    fake = serve(damage=True)
    with pytest.raises(WeightsError, match="arrived damaged"):
        load_detector(REPO)
    fake.damage = False
    assert _answers_as(folder, load_detector(REPO))


def test_files_damaged_in_the_cache_are_removed(serve, folder: Path) -> None:
    serve()
    load_detector(REPO)
    weights = loading.hub.find_cached(f"{REPO}/model.safetensors")
    assert weights is not None
    weights.resolve().write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="the damaged file was removed"):
        load_detector(REPO)
    assert _answers_as(folder, load_detector(REPO))


@pytest.mark.parametrize("lacking", ["preprocessor_config.json", "model.safetensors", "tokenizer.json"])
def test_repositories_that_lack_a_file_are_refused(serve, lacking: str) -> None:
    serve(without=(lacking,))
    with pytest.raises(WeightsError, match=lacking.replace(".", r"\.")):
        load_detector(REPO)
    with pytest.raises(WeightsError, match="no public model"):
        load_detector("someone/nothing")


def test_the_default_is_the_fastest_that_can_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    assert loading.default_detector() == loading.DEFAULT_DETECTOR
    monkeypatch.setattr(loading, "find_spec", lambda name: object())
    assert loading.default_detector() == loading.FASTEST_DETECTOR
