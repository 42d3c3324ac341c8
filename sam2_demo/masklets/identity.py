"""The network that masklets are made with: a resumed run compares it, so that no file mixes in those of another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sam2_demo.device import fast_dtype, resolve_device, resolve_dtype
from sam2_demo.formats.files import content_digest
from sam2_demo.tracking.video_predictor import VideoPredictor
from sam2_demo.weights import embedded_path, source_file


def network_identity(source: str, device: str, dtype: str, load: Callable[[], VideoPredictor]) -> dict[str, Any]:
    """{"weights": a digest of the file, None for what comes from the Hub, "compute_dtype": in which it computes}.

    What "auto" is on a GPU depends on its memory, the cache and whether the Hub answers, so `load` is called to see.
    """
    where = resolve_device(device)
    path = source_file(source, where)
    if path is None and source == "auto":
        provenance = load().network.provenance
        path = None if provenance is None else Path(provenance.file)
    return {
        # A file that is not there is for the loading to refuse.
        "weights": content_digest([("", path)]) if path is not None and path.is_file() else None,
        "compute_dtype": str(resolve_dtype(dtype) or fast_dtype(where)).removeprefix("torch."),
    }


def is_embedded(identity: Mapping[str, Any]) -> bool:
    """Whether a network of this identity has the embedded weights, by whatever name it was asked for."""
    return identity["weights"] is not None and identity["weights"] == content_digest([("", embedded_path())])
