"""Downloads from a local stand-in for the Hub: whole, resumed, damaged, missing, offline; and a dead network."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save

from sam2_demo import hub, load_network, weights
from sam2_demo.errors import WeightsError
from sam2_demo.network.config import EMBEDDED_CONFIG
from sam2_demo.network.sam2_network import Sam2Network
from tests.fake_hub import FakeHub

TINY = "facebook/sam2.1-hiera-tiny"
CONTENT = bytes(range(256)) * 12_000  # 3 MB
Serve = Callable[..., FakeHub]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Serve]:
    """Starts a fake Hub, points the loader at it and gives it an empty cache."""
    started: list[FakeHub] = []
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)

    def start(files: dict[tuple[str, str], bytes], **behaviour: object) -> FakeHub:
        fake = FakeHub(files, **behaviour).__enter__()  # type: ignore[arg-type]
        started.append(fake)
        monkeypatch.setenv("HF_ENDPOINT", fake.endpoint)
        return fake

    yield start
    for fake in started:
        fake.__exit__()


def ignore(step: str, fraction: float | None) -> None:
    """Progress that nobody watches."""


def test_download_reports_progress_and_is_cached(serve: Serve) -> None:
    fake = serve({(TINY, "model.safetensors"): CONTENT})
    seen: list[tuple[str, float | None]] = []
    path = hub.fetch(TINY, lambda step, fraction: seen.append((step, fraction)))
    assert path.read_bytes() == CONTENT
    fractions = [fraction for step, fraction in seen if step.startswith("Downloading model.safetensors of " + TINY)]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0 and len(fractions) > 1
    before = len(fake.requests)
    assert hub.fetch(TINY, ignore) == path
    assert hub.find_cached(TINY) == path
    assert len(fake.requests) == before


def test_cache_is_that_of_huggingface_hub(serve: Serve) -> None:
    from huggingface_hub import hf_hub_download

    fake = serve({(TINY, "model.safetensors"): CONTENT})
    path = hub.fetch(TINY, ignore)
    gets = fake.count("GET")
    theirs = hf_hub_download(TINY, "model.safetensors", endpoint=fake.endpoint, cache_dir=constants.HF_HUB_CACHE)
    assert Path(theirs) == path and fake.count("GET") == gets


@pytest.mark.parametrize(
    ("repo", "name"),
    [
        ("facebook/sam2-hiera-base-plus", "sam2_hiera_base_plus.pt"),
        (TINY, "sam2.1_hiera_tiny.pt"),
        ("someone/copy", "sam2.1_hiera_large.pt"),
    ],
)
def test_official_checkpoint_is_the_fallback(serve: Serve, repo: str, name: str) -> None:
    serve({(repo, name): CONTENT})
    assert hub.fetch(repo, ignore).name == name


def test_broken_connection_is_taken_up_again(serve: Serve) -> None:
    fake = serve({(TINY, "model.safetensors"): CONTENT}, breaks=2, break_after=1_000_000)
    assert hub.fetch(TINY, ignore).read_bytes() == CONTENT
    assert any("bytes=" in request for request in fake.requests)


def test_interrupted_download_resumes_in_the_next_call(serve: Serve) -> None:
    fake = serve({(TINY, "model.safetensors"): CONTENT})

    class Stop(Exception):
        """A person closes the page."""

    def stop_half_way(step: str, fraction: float | None) -> None:
        if fraction and fraction > 0.3:
            raise Stop

    with pytest.raises(Stop):
        hub.fetch(TINY, stop_half_way)
    assert hub.find_cached(TINY) is None
    fake.requests.clear()
    assert hub.fetch(TINY, ignore).read_bytes() == CONTENT
    offsets = [int(r.rpartition("bytes=")[2].rstrip("-")) for r in fake.requests if "bytes=" in r]
    assert offsets and offsets[0] >= len(CONTENT) // 4


def test_download_that_never_gets_on_is_given_up_and_kept(serve: Serve) -> None:
    fake = serve({(TINY, "model.safetensors"): CONTENT}, breaks=1, break_after=500_000)
    fake.breaks = 1000
    fake.break_after = 0
    with pytest.raises(WeightsError, match=r"stopped at 0.0 of 3.1 MB .* loading the model again resumes"):
        hub.fetch(TINY, ignore)


def test_server_without_ranges_starts_over(serve: Serve) -> None:
    serve({(TINY, "model.safetensors"): CONTENT}, breaks=1, break_after=1_000_000, ignore_ranges=True)
    assert hub.fetch(TINY, ignore).read_bytes() == CONTENT


def test_damaged_download_is_removed_and_named(serve: Serve) -> None:
    fake = serve({(TINY, "model.safetensors"): CONTENT}, damage=True)
    with pytest.raises(WeightsError, match=r"model.safetensors of facebook/sam2.1-hiera-tiny arrived damaged"):
        hub.fetch(TINY, ignore)
    fake.damage = False
    assert hub.fetch(TINY, ignore).read_bytes() == CONTENT


def test_missing_repository_and_missing_file(serve: Serve) -> None:
    serve({("facebook/other", "README.md"): b"text"})
    with pytest.raises(WeightsError, match=r"has no public model facebook/sam2.1-hiera-tiny; accepted: facebook/"):
        hub.fetch(TINY, ignore)
    with pytest.raises(WeightsError, match=r"no weights file that is known; accepted: model.safetensors, other.pt"):
        hub.fetch("facebook/other", ignore)


def test_offline_uses_the_cache_only(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = serve({(TINY, "model.safetensors"): CONTENT})
    path = hub.fetch(TINY, ignore)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    fake.requests.clear()
    assert hub.fetch(TINY, ignore) == path
    with pytest.raises(hub.HubUnreachableError, match=r"sam2.1-hiera-large is not in the cache .* HF_HUB_OFFLINE"):
        hub.fetch("facebook/sam2.1-hiera-large", ignore)
    assert fake.requests == []


def test_server_that_never_answers_costs_a_few_seconds(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        start = time.monotonic()
        with pytest.raises(hub.HubUnreachableError, match=r"cannot reach http://127.0.0.1:\d+ for model.safetensors"):
            hub.fetch(TINY, ignore, hub.QUICK_CONTACT_SECONDS)
        assert time.monotonic() - start < 2 * hub.QUICK_CONTACT_SECONDS


def test_name_server_that_never_answers_costs_a_few_seconds(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    given_up = threading.Event()

    def never_answer(*args: object, **kwargs: object) -> None:
        given_up.wait(20)
        raise socket.gaierror("no answer")

    monkeypatch.setattr(socket, "getaddrinfo", never_answer)
    start = time.monotonic()
    with pytest.raises(hub.HubUnreachableError, match=r"no answer within 1 s"):
        hub.fetch(TINY, ignore, contact_seconds=1.0)
    given_up.set()
    assert time.monotonic() - start < 5


def test_refused_connection_and_foreign_server(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    with pytest.raises(hub.HubUnreachableError, match="check the connection"):
        hub.fetch(TINY, ignore)


@pytest.fixture(scope="module")
def embedded_bytes() -> bytes:
    """Random weights of the embedded network as a safetensors file."""
    torch.manual_seed(0)
    state = Sam2Network(EMBEDDED_CONFIG).state_dict()
    return save({name: t.half() if t.is_floating_point() else t for name, t in state.items()})


def test_network_from_the_hub_and_a_cached_file_that_rotted(serve: Serve, embedded_bytes: bytes) -> None:
    serve({(TINY, "model.safetensors"): embedded_bytes})
    network = load_network(TINY, device="cpu")
    assert network.provenance is not None and network.provenance.source == TINY
    cached = Path(network.provenance.file)
    with cached.resolve().open("r+b") as file:
        file.truncate(1000)
    assert load_network(TINY, device="cpu").provenance == network.provenance


def test_auto_on_a_gpu_takes_the_hub_and_falls_back(
    serve: Serve, embedded_bytes: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    embedded = tmp_path / "embedded.safetensors"
    embedded.write_bytes(embedded_bytes)
    monkeypatch.setattr(weights, "embedded_path", lambda: embedded)
    monkeypatch.setattr(weights, "gpu_memory", lambda device: 8 * 2**30)
    base_plus = "facebook/sam2.1-hiera-base-plus"
    fake = serve({(base_plus, "model.safetensors"): embedded_bytes[:1000]})
    network = load_network("auto", device="cpu")
    assert network.provenance is not None and network.provenance.source == "embedded"
    assert "not a complete safetensors file" in network.provenance.notice
    fake.files = {(base_plus, "model.safetensors"): embedded_bytes}
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "other"))
    network = load_network("auto", device="cpu")
    assert network.provenance is not None and network.provenance.source == base_plus
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "third"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    network = load_network("auto", device="cpu")
    assert network.provenance is not None and network.provenance.source == "embedded"
    assert network.provenance.notice.startswith("The Hub is out of reach: using the embedded model")
