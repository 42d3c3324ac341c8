"""What the records of a row are made with: a resumed run compares it, so that no older scores pass for new ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sam2_demo.errors import DatasetError, WeightsError
from sam2_demo.evaluation.rows import WEIGHTS_SUFFIXES, Model
from sam2_demo.formats.files import content_digest

if TYPE_CHECKING:
    import torch


def model_identities(models: Iterable[Model]) -> dict[str, dict[str, Any]]:
    """The identity of each row's model, by its name."""
    return {model.name: model_identity(model) for model in models}


def model_identity(model: Model) -> dict[str, Any]:
    """Source, kind and, for a network, how it computes and a digest of its weights (None where they are no file).

    "auto" is what it stands for here and now. ConfigError for a device or dtype that is not there, WeightsError
    for a file that cannot be read.
    """
    identity: dict[str, Any] = {"source": model.source, "kind": model.kind}
    if model.kind in ("grabcut", "flow"):
        return identity
    # Imported here: the baselines without a network need no torch, which takes seconds to load.
    from sam2_demo.device import fast_dtype, resolve_device, resolve_dtype
    from sam2_demo.weights import source_file

    device = resolve_device(model.device)
    dtype = resolve_dtype(model.dtype) or fast_dtype(device)
    weights = source_file(model.source, device)
    if weights is not None and model.source not in ("embedded", "auto"):
        identity["source"] = str(weights.resolve())
    elif model.source == "auto" and weights is None:
        identity["source"] = _chosen_by_auto(device)
    return identity | {
        "device": str(device),
        "dtype": str(dtype).removeprefix("torch."),
        "fast": model.fast,
        "one_look": model.one_look,
        "input_size": model.input_size,
        "memory_rule": model.memory_rule,
        "fill_holes": model.fill_holes,
        "weights": None if weights is None else _weights_digest(weights),
    }


def predictions_identity(folder: Path, clips: Sequence[str]) -> dict[str, Any]:
    """Where saved predictions lie, and a digest of the PNGs of these clips; DatasetError for one that is unreadable."""
    files = [path for clip in clips for path in sorted((folder / clip).rglob("*")) if path.suffix.lower() == ".png"]
    try:
        digest = content_digest((path.relative_to(folder).as_posix(), path) for path in files)
    except OSError as error:
        raise DatasetError(f"{folder} holds a PNG that cannot be read: {error}") from error
    return {"source": str(folder.resolve()), "content": digest}


def _chosen_by_auto(device: torch.device) -> str:
    """What "auto" loads on a GPU, which depends on its memory, the cache and whether the Hub answers."""
    from sam2_demo.weights import load_network

    provenance = load_network("auto", device=device).provenance
    return "auto" if provenance is None else provenance.source


def _weights_digest(path: Path) -> str:
    try:
        return content_digest([("", path)])
    except FileNotFoundError as error:
        accepted = f"an existing {', '.join(WEIGHTS_SUFFIXES)} file"
        raise WeightsError(f"there is no file {path}; accepted: {accepted}") from error
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error}") from error
