"""Weights: "embedded", a Hub id or a file -> verified tensors -> a network ready to predict.

Files are read without running code that they might hold: safetensors, and the official `.pt` checkpoints with
PyTorch's restricted unpickler.
"""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from sam2_demo.assets_folder import assets_folder
from sam2_demo.device import fast_dtype, gpu_memory, keep_freed_memory, resolve_device, resolve_dtype
from sam2_demo.errors import WeightsError
from sam2_demo.network.checkpoint import ACCEPTED, build_network, sharing_tensors
from sam2_demo.network.provenance import Provenance
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.official_models import EDGETAM, OFFICIAL_MODELS, RELATED_MODELS, OfficialModel, models_for_gpu

if TYPE_CHECKING:
    from sam2_demo.hub import Progress

__all__ = [
    "EDGETAM",
    "OFFICIAL_MODELS",
    "RELATED_MODELS",
    "OfficialModel",
    "embedded_path",
    "load_network",
    "named_file",
    "read_tensors",
]

_SUFFIXES = (".pt", ".pth", ".safetensors")
_BIGGER = "an official model such as facebook/sam2.1-hiera-tiny is more accurate"
_FIRST_WITHOUT_GPU = (
    f"{EDGETAM.hub_id} ({EDGETAM.megabytes} MB to download) is more accurate and takes {EDGETAM.speed_note}"
)


def _ignore_progress(step: str, fraction: float | None) -> None:
    """What happens with progress that nobody watches."""


def load_network(
    source: str | os.PathLike[str] = "auto",
    device: str | torch.device = "auto",
    dtype: str | torch.dtype = "auto",
    progress: Progress | None = None,
) -> Sam2Network:
    """A network in eval mode without gradients; `network.provenance` says where its weights came from.

    source: "embedded", the small model of this project; a Hub id such as "facebook/sam2.1-hiera-tiny" or
    "facebook/EdgeTAM", or one with the name of a file, "yunyangx/efficient-track-anything/efficienttam_ti.pt"; the path
    of an official `.pt` or of a `.safetensors` in official or transformers names; or "auto": on a GPU the best official
    model that suits its memory, from the cache or the Hub, the embedded one if the Hub is out of reach; on a CPU
    always the embedded one, since official models take seconds per frame there.
    device: "auto" or a torch device. dtype: in which to multiply matrices; weights, norms, sums, position codes, mask
    logits and scores stay float32. "auto" is bfloat16 where the hardware multiplies it (GPUs, CPUs with matrix units),
    else float32; "float32" is exact everywhere.
    progress: receives the step in words and the fraction done in [0, 1], or None where it is unknown.

    Raises WeightsError that names the step or tensor that failed, ConfigError for a device or dtype that is not there.
    """
    resolved, compute_dtype = resolve_device(device), resolve_dtype(dtype)
    network = _load(os.fspath(source), resolved, progress or _ignore_progress)
    network.compute_dtype = compute_dtype or fast_dtype(resolved)
    if resolved.type == "cpu":
        keep_freed_memory()
    return network


def _load(text: str, device: torch.device, report: Progress) -> Sam2Network:
    if text == "auto":
        return _load_auto(device, report)
    if text == "embedded":
        return _load_file(embedded_path(), "embedded", device, report)
    path = named_file(text)
    if path is not None:
        return _load_file(path, text, device, report)
    if _is_hub_id(text):
        return _load_hub(text, device, report)
    raise WeightsError(
        f"model source is {text!r}; accepted: 'auto', 'embedded', a Hub id such as 'facebook/sam2.1-hiera-tiny' "
        f"(OWNER/REPO or OWNER/REPO/FILE), or the path of an existing {', '.join(_SUFFIXES)} file"
    )


def source_file(source: str, device: torch.device) -> Path | None:
    """The file that `load_network` reads for a source, which may not exist; None for what comes from the Hub."""
    if source == "embedded" or (source == "auto" and gpu_memory(device) is None):
        return embedded_path()
    return named_file(source)


def named_file(source: str) -> Path | None:
    """The file of weights that a source names, whether it exists or not; None for words and Hub ids."""
    path = Path(source).expanduser()
    if path.is_file():
        return path
    # OWNER/REPO/FILE reads like a path; it is one where that folder exists, and else a file of the Hub.
    is_path = path.suffix in _SUFFIXES and (source.count("/") != 2 or not _is_hub_id(source) or path.parent.is_dir())
    return path if is_path else None


def embedded_path() -> Path:
    """The embedded weights, which come with the project; WeightsError where they are missing."""
    path = assets_folder() / "weights" / "embedded.safetensors"
    if not path.is_file():
        raise WeightsError(f"the embedded weights are missing: there is no file {path}; accepted: a Hub id or a file")
    return path


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a `.pt`, `.pth` or `.safetensors` file, mapped into memory where possible.

    Raises WeightsError for a file that is absent, of another kind, truncated or damaged.
    """
    if not path.is_file():
        raise WeightsError(f"there is no file {path}; accepted: an existing {', '.join(_SUFFIXES)} file")
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except (SafetensorError, OSError, ValueError) as error:
            raise WeightsError(f"{path} is not a complete safetensors file ({error})") from error
    if path.suffix in (".pt", ".pth"):
        return _read_checkpoint(path)
    raise WeightsError(f"{path} has the suffix {path.suffix!r}; accepted: {', '.join(_SUFFIXES)}")


def _read_checkpoint(path: Path) -> dict[str, Tensor]:
    if not zipfile.is_zipfile(path):
        raise WeightsError(f"{path} is not a PyTorch checkpoint, or it is truncated; accepted: {ACCEPTED}")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise WeightsError(f"{path} is damaged: its record {damaged} does not match its checksum")
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, EOFError, OSError, KeyError) as error:
        raise WeightsError(f"{path} cannot be read as a checkpoint of plain tensors ({error})") from error
    tensors = content.get("model", content) if isinstance(content, dict) else content
    if not isinstance(tensors, dict) or not all(isinstance(value, Tensor) for value in tensors.values()):
        raise WeightsError(f"{path} holds no table of named tensors; accepted: {{'model': state_dict}} or a state_dict")
    return tensors


def _is_hub_id(text: str) -> bool:
    parts = text.split("/")
    if len(parts) == 3 and not parts[2].endswith(_SUFFIXES):
        return False
    return len(parts) in (2, 3) and all(re.fullmatch(r"[\w-][\w.-]*", part) for part in parts)


def _load_file(path: Path, source: str, device: torch.device, progress: Progress) -> Sam2Network:
    progress(f"Reading {path.name}", None)
    try:
        said = _said_variant(path)
        network = build_network(read_tensors(path), device, file_name=said)
    except WeightsError as error:
        raise error if str(path) in str(error) else WeightsError(f"{path}: {error}") from error
    network.provenance = Provenance(source, network.config.name, str(path), _doubt(network, path, said))
    return network


def _said_variant(path: Path) -> str:
    """What a file says of its variant: its name, or, where training wrote it, what stands inside."""
    if path.suffix == ".safetensors" and path.is_file():
        with suppress(SafetensorError, OSError), safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get("config", path.name)
    return path.name


def _doubt(network: Sam2Network, path: Path, said: str) -> str:
    alike = sharing_tensors(network.config, said)
    if not alike:
        return ""
    return (
        f"{path.name} may be any of {', '.join(alike)}, whose tensors have the same names and shapes; it is taken as "
        f"{network.config.name}: a file's name tells them apart, as in efficienttam_ti_1.pt"
    )


def _load_hub(
    source: str, device: torch.device, progress: Progress, contact_seconds: float | None = None
) -> Sam2Network:
    # A tenth of a second that other sources need not wait for.
    from sam2_demo.hub import FIRST_CONTACT_SECONDS, discard_if_damaged, fetch

    contact_seconds = FIRST_CONTACT_SECONDS if contact_seconds is None else contact_seconds
    path = fetch(source, progress, contact_seconds)
    try:
        return _load_file(path, source, device, progress)
    except WeightsError:
        if not discard_if_damaged(path):
            raise
    progress(f"The cached {path.name} of {source} was damaged and has been removed", None)
    path = fetch(source, progress, contact_seconds)
    return _load_file(path, source, device, progress)


def _load_auto(device: torch.device, progress: Progress) -> Sam2Network:
    memory = gpu_memory(device)
    if memory is None:
        slow = "official models such as facebook/sam2.1-hiera-tiny take seconds per frame on a CPU"
        notice = f"No GPU here: using the embedded model; {_FIRST_WITHOUT_GPU}; {slow}"
        return _load_embedded(notice, device, progress)
    from sam2_demo.hub import QUICK_CONTACT_SECONDS, HubUnreachableError, find_cached

    models = models_for_gpu(memory)
    try:
        return _load_hub(models[0].hub_id, device, progress, QUICK_CONTACT_SECONDS)
    except HubUnreachableError as error:
        # Without the Hub, the second best from the cache still beats the embedded one.
        cached = [model for model in models if find_cached(model.hub_id)]
        if cached:
            return _load_hub(cached[0].hub_id, device, progress, QUICK_CONTACT_SECONDS)
        notice = f"The Hub is out of reach: using the embedded model; {_BIGGER} ({error})"
    except WeightsError as error:
        notice = f"{models[0].hub_id} could not be loaded: using the embedded model ({error})"
    return _load_embedded(notice, device, progress)


def _load_embedded(notice: str, device: torch.device, progress: Progress) -> Sam2Network:
    network = _load_file(embedded_path(), "embedded", device, progress)
    network.provenance = Provenance("embedded", network.config.name, str(embedded_path()), notice)
    return network
