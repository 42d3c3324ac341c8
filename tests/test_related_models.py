"""EdgeTAM and EfficientTAM from the Hub and from files: which file is fetched, and what it is recognised as."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from safetensors.torch import save, save_file
from torch import Tensor

from sam2_demo import hub, load_network
from sam2_demo.errors import WeightsError
from sam2_demo.network.config import EDGETAM_CONFIG, EFFICIENTTAM_CONFIGS
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.official_models import RELATED_MODELS
from sam2_demo.weights import named_file
from tests.fake_hub import FakeHub
from tests.relatives import random_edgetam

EDGETAM = "facebook/EdgeTAM"
EFFICIENTTAM = "yunyangx/efficient-track-anything"


@pytest.fixture
def hub_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Starts a fake Hub with these files, points the loader at it and gives it an empty cache."""
    started = []
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)

    def start(files: dict[tuple[str, str], bytes]) -> FakeHub:
        started.append(FakeHub(files).__enter__())
        monkeypatch.setenv("HF_ENDPOINT", started[-1].endpoint)
        return started[-1]

    yield start
    for fake in started:
        fake.__exit__()


@pytest.fixture(scope="module")
def edgetam() -> dict[str, Tensor]:
    """Random tensors of EdgeTAM in transformers' names."""
    return {name: tensor.contiguous() for name, tensor in random_edgetam(side=256).state_dict().items()}


def checkpoint(tensors: dict[str, Tensor]) -> bytes:
    content = io.BytesIO()
    torch.save({"model": tensors}, content)
    return content.getvalue()


def efficienttam(width: str) -> dict[str, Tensor]:
    torch.manual_seed(0)
    state = Sam2Network(EFFICIENTTAM_CONFIGS[f"efficienttam-{width}"]).state_dict()
    return {name: tensor.half() for name, tensor in state.items()}


def test_edgetam_in_either_spelling(hub_with, edgetam: dict[str, Tensor], tmp_path: Path) -> None:
    fake = hub_with({(EDGETAM, "model.safetensors"): save(edgetam), (EDGETAM, "edgetam.pt"): b"beside it"})
    network = load_network(EDGETAM, device="cpu")
    assert network.config == EDGETAM_CONFIG
    assert network.provenance is not None and network.provenance.notice == ""
    assert fake.count("GET") == 1 and fake.requests[-1].endswith("/model.safetensors")
    # Latents and the trunk under the names of the original checkpoint, keys and values as one matrix.
    state = network.state_dict()
    layer = "spatial_perceiver.layers.1."
    joined = [edgetam[f"{layer}cross_attention.{kind}_proj.weight"] for kind in ("k", "v")]
    assert torch.equal(state[f"{layer}attn.to_kv.weight"], torch.cat(joined))
    assert torch.equal(state["spatial_perceiver.latents"], edgetam["spatial_perceiver.latents_1d"])
    (tmp_path / "original").mkdir()
    torch.save({"model": state}, tmp_path / "original" / "edgetam.pt")
    again = load_network(tmp_path / "original" / "edgetam.pt", device="cpu")
    assert again.config == EDGETAM_CONFIG
    assert all(torch.equal(tensor, state[name]) for name, tensor in again.state_dict().items())


def test_edgetams_original_checkpoint_is_the_fallback(hub_with) -> None:
    hub_with({(EDGETAM, "edgetam.pt"): b"content"})
    assert hub.fetch(EDGETAM, lambda step, fraction: None).name == "edgetam.pt"


def test_edgetam_that_is_not_whole_is_refused(edgetam: dict[str, Tensor], tmp_path: Path) -> None:
    fewer = {name: tensor for name, tensor in edgetam.items() if name != "spatial_perceiver.latents_2d"}
    save_file(fewer, tmp_path / "cut.safetensors")
    with pytest.raises(WeightsError, match=r"of edgetam are missing, first spatial_perceiver.latents_2d"):
        load_network(tmp_path / "cut.safetensors")


@pytest.mark.parametrize("width", ["ti", "s"])
def test_efficienttams_files_are_told_apart_by_their_names(hub_with, width: str) -> None:
    content = checkpoint(efficienttam(width))
    names = [f"efficienttam_{width}{end}.pt" for end in ("", "_1", "_2", "_512x512")]
    hub_with({(EFFICIENTTAM, name): content for name in names})
    for name in names:
        network = load_network(f"{EFFICIENTTAM}/{name}", device="cpu")
        assert network.config == EFFICIENTTAM_CONFIGS[name.removesuffix(".pt").replace("_", "-")]
        assert network.provenance is not None and network.provenance.notice == ""
        assert network.provenance.source == f"{EFFICIENTTAM}/{name}"


def test_a_renamed_file_is_taken_as_the_plain_one_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "mine.pt").write_bytes(checkpoint(efficienttam("ti")))
    network = load_network(tmp_path / "mine.pt", device="cpu")
    assert network.config == EFFICIENTTAM_CONFIGS["efficienttam-ti"]
    assert network.provenance is not None
    assert "mine.pt may be any of efficienttam-ti, efficienttam-ti-1" in network.provenance.notice


def test_a_file_that_training_wrote_says_its_variant_inside(tmp_path: Path) -> None:
    save_file(efficienttam("ti"), tmp_path / "weights.safetensors", metadata={"config": "efficienttam-ti-2"})
    network = load_network(tmp_path / "weights.safetensors", device="cpu")
    assert network.config == EFFICIENTTAM_CONFIGS["efficienttam-ti-2"]
    assert network.provenance is not None and network.provenance.notice == ""


def test_a_repository_of_several_files_wants_one_named(hub_with) -> None:
    hub_with({(EFFICIENTTAM, "efficienttam_ti.pt"): b"x"})
    with pytest.raises(WeightsError, match=rf"accepted: {EFFICIENTTAM}/efficienttam_ti.pt, .*_s_512x512.pt"):
        load_network(EFFICIENTTAM)


def test_paths_and_files_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert all(named_file(model.hub_id) is None for model in RELATED_MODELS)
    (tmp_path / "runs" / "tuned").mkdir(parents=True)
    for path in ("runs/tuned/absent.pt", "/runs/absent.pt", "absent.pt", "../a/b.pt", "a/b/c/d.pt", "a/b.pt"):
        assert named_file(path) == Path(path), path
    (tmp_path / "runs" / "tuned" / "here.pt").write_bytes(b"")
    assert named_file("runs/tuned/here.pt") == Path("runs/tuned/here.pt")
