"""Sources of weights: official checkpoints, safetensors, the embedded model, and files that are none of these."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

import sam2_demo
from sam2_demo import assets_folder, load_network, weights
from sam2_demo.device import resolve_device, resolve_dtype
from sam2_demo.errors import ConfigError, WeightsError
from sam2_demo.network.checkpoint import to_official_names
from sam2_demo.network.config import EMBEDDED_CONFIG, OFFICIAL_CONFIGS, RELATED_CONFIGS
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.official_models import EDGETAM, GIB, OFFICIAL_MODELS, RELATED_MODELS, models_for_gpu
from tests.reference import random_reference


@pytest.fixture(scope="module")
def embedded() -> dict[str, Tensor]:
    """Random tensors of the embedded network."""
    torch.manual_seed(0)
    return Sam2Network(EMBEDDED_CONFIG).state_dict()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Tensor]]:
    """A file in the official format with random weights of tiny 2.0, and its tensors."""
    tensors = to_official_names(random_reference("sam2-hiera-tiny", seed=5).state_dict())
    path = tmp_path_factory.mktemp("official") / "sam2_hiera_tiny.pt"
    torch.save({"model": tensors}, path)
    return path, tensors


def test_official_checkpoint(checkpoint: tuple[Path, dict[str, Tensor]]) -> None:
    path, tensors = checkpoint
    steps: list[str] = []
    network = load_network(path, device="cpu", progress=lambda step, fraction: steps.append(step))
    assert network.config == OFFICIAL_CONFIGS["sam2-hiera-tiny"]
    assert network.state_dict().keys() == tensors.keys()
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in network.state_dict().items())
    assert not network.training and network.dtype == torch.float32
    assert steps == ["Reading sam2_hiera_tiny.pt"]
    assert network.provenance is not None
    assert (network.provenance.source, network.provenance.variant) == (str(path), "sam2-hiera-tiny")


def test_state_dict_without_a_table_around_it(embedded: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save(embedded, tmp_path / "plain.pth")
    assert load_network(str(tmp_path / "plain.pth"), device="cpu").config == EMBEDDED_CONFIG


def test_safetensors_in_official_names(embedded: dict[str, Tensor], tmp_path: Path) -> None:
    save_file({name: t.contiguous() for name, t in embedded.items()}, tmp_path / "model.safetensors")
    network = load_network(tmp_path / "model.safetensors", device="cpu")
    assert torch.equal(network.no_obj_ptr, embedded["no_obj_ptr"])


def test_truncated_files(
    checkpoint: tuple[Path, dict[str, Tensor]], embedded: dict[str, Tensor], tmp_path: Path
) -> None:
    content = checkpoint[0].read_bytes()
    (tmp_path / "cut.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightsError, match=r"cut.pt is not a PyTorch checkpoint, or it is truncated"):
        load_network(tmp_path / "cut.pt")
    save_file({name: t.contiguous() for name, t in embedded.items()}, tmp_path / "cut.safetensors")
    whole = (tmp_path / "cut.safetensors").read_bytes()
    for length in (0, 5, 1000, len(whole) - 1):
        (tmp_path / "cut.safetensors").write_bytes(whole[:length])
        with pytest.raises(WeightsError, match=r"cut.safetensors is not a complete safetensors file"):
            load_network(tmp_path / "cut.safetensors")


def test_damaged_checkpoint_names_the_record(embedded: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / "damaged.pt"
    torch.save({"model": embedded}, path)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(byte ^ 255 for byte in content[middle : middle + 64])
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"damaged: its record .*/data/\d+ does not match its checksum"):
        load_network(path)


class _Payload:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("open('ran', 'w')",)


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"model": {"x": _Payload()}}, tmp_path / "evil.pt")
    with pytest.raises(WeightsError, match=r"evil.pt cannot be read as a checkpoint of plain tensors"):
        load_network(tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


def test_files_of_another_kind(tmp_path: Path) -> None:
    for name in ("text.pt", "text.safetensors"):
        (tmp_path / name).write_text("This is no model.")
        with pytest.raises(WeightsError, match=name):
            load_network(tmp_path / name)
    (tmp_path / "old.pt").write_bytes(pickle.dumps({"model": {}}))
    with pytest.raises(WeightsError, match=r"not a PyTorch checkpoint"):
        load_network(tmp_path / "old.pt")
    torch.save({"model": [1, 2]}, tmp_path / "list.pt")
    with pytest.raises(WeightsError, match=r"holds no table of named tensors; accepted: {'model': state_dict}"):
        load_network(tmp_path / "list.pt")
    (tmp_path / "model.onnx").write_bytes(b"x")
    with pytest.raises(WeightsError, match=r"has the suffix '.onnx'; accepted: .pt, .pth, .safetensors"):
        load_network(tmp_path / "model.onnx")


@pytest.mark.parametrize("source", ["", "tiny", "a/b/c", "https://example.org/model", "no such/place"])
def test_sources_that_mean_nothing(source: str) -> None:
    with pytest.raises(WeightsError, match=r"accepted: 'auto', 'embedded', a Hub id"):
        load_network(source)


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"there is no file .*absent.pt"):
        load_network(tmp_path / "absent.pt")


def test_auto_on_a_cpu_is_the_embedded_model(
    embedded: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "embedded.safetensors"
    save_file({n: t.half() if t.is_floating_point() else t for n, t in embedded.items()}, path)
    monkeypatch.setattr(weights, "embedded_path", lambda: path)
    provenance = load_network(device="cpu").provenance
    assert provenance is not None
    assert (provenance.source, provenance.variant, provenance.file) == ("embedded", "embedded", str(path))
    assert "No GPU" in provenance.notice and "facebook/EdgeTAM (56 MB to download)" in provenance.notice
    asked_for = load_network("embedded", device="cpu").provenance
    assert asked_for is not None and asked_for.notice == ""


def test_missing_embedded_weights_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "sam2_demo"
    monkeypatch.setattr(assets_folder, "_PACKAGE", package)
    with pytest.raises(WeightsError, match=r"assets/weights/embedded.safetensors"):
        load_network("embedded")
    # A wheel carries them inside the package, a clone beside it; the wheel's own go first.
    assert weights.assets_folder() == tmp_path / "assets"
    (package / "assets").mkdir(parents=True)
    assert weights.assets_folder() == package / "assets"


def test_devices_and_types() -> None:
    assert resolve_device("cpu").type == "cpu"
    assert resolve_dtype("auto") is None and resolve_dtype("float16") is torch.float16
    for device in ("gpu", "cuda:99", ""):
        with pytest.raises(ConfigError, match=r"device is"):
            resolve_device(device)
    with pytest.raises(ConfigError, match=r"dtype is 'int8'; accepted: auto, float32"):
        resolve_dtype("int8")
    with pytest.raises(ConfigError, match=r"dtype is torch.int8"):
        resolve_dtype(torch.int8)


def test_table_of_official_models() -> None:
    assert {model.variant for model in OFFICIAL_MODELS} == set(OFFICIAL_CONFIGS)
    for model in OFFICIAL_MODELS:
        with torch.device("meta"):
            network = Sam2Network(OFFICIAL_CONFIGS[model.variant])
        assert model.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert {model.variant for model in RELATED_MODELS} == set(RELATED_CONFIGS)
    for model in RELATED_MODELS:
        with torch.device("meta"):
            network = Sam2Network(RELATED_CONFIGS[model.variant])
        assert model.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert [EDGETAM.megabytes, *(m.megabytes for m in RELATED_MODELS[1::4])] == [56, 71, 136]
    assert [models_for_gpu(gib * GIB)[0].variant for gib in (2, 8, 24)] == [
        "sam2.1-hiera-tiny",
        "sam2.1-hiera-base-plus",
        "sam2.1-hiera-large",
    ]


def test_public_names_are_imported_on_first_use() -> None:
    script = "import sys, sam2_demo; assert 'torch' not in sys.modules; sam2_demo.load_network; 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = sam2_demo.nothing


def test_loading_imports_neither_compiler_nor_hub_client():
    script = (
        "import sys; from sam2_demo import load_network; load_network('embedded', device='cpu'); "
        "print([name for name in ('torch._dynamo', 'huggingface_hub') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
