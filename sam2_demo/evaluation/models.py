"""The rows of a result table: networks by name, and the baselines measured beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sam2_demo.errors import ConfigError
from sam2_demo.evaluation.baselines import FlowPredictor, GrabCutPredictor
from sam2_demo.evaluation.predictors import ClipPredictor, PicturePredictor
from sam2_demo.tracking.options import FAST_MEMORY, MemoryLimits, TrackingOptions

if TYPE_CHECKING:
    from sam2_demo.network.sam2_network import Sam2Network

_OBJECTS_PER_BATCH = 16
BASELINES = ("grabcut", "flow", "memoryless")


@dataclass(frozen=True)
class Model:
    """One row: `name` for people and folders, `source` for load_network, `kind` network or a baseline's name."""

    name: str
    source: str
    kind: str = "network"
    device: str = "auto"
    dtype: str = "auto"
    fill_holes: bool = False  # the published numbers are without; people see masks with
    fast: bool = False  # attend to fewer memories

    def clip_predictor(self) -> ClipPredictor:
        """What tracks clips; ConfigError for a baseline that does not."""
        if self.kind == "flow":
            return FlowPredictor()
        if self.kind == "grabcut":
            raise ConfigError("the grabcut baseline segments pictures only; for clips take flow or memoryless")
        if self.kind == "memoryless":
            from sam2_demo.evaluation.memoryless import MemorylessPredictor

            return MemorylessPredictor(self._network(), self._options())
        from sam2_demo.tracking.video_predictor import VideoPredictor

        return VideoPredictor(self._network(), self._options())

    def picture_predictor(self) -> PicturePredictor:
        """What segments still pictures; ConfigError for a baseline that does not."""
        if self.kind == "grabcut":
            return GrabCutPredictor()
        if self.kind != "network":
            raise ConfigError(f"the {self.kind} baseline tracks clips only; for pictures take grabcut")
        from sam2_demo.tracking.image_predictor import ImagePredictor

        return ImagePredictor(self._network(), self._options())

    def _options(self) -> TrackingOptions:
        return TrackingOptions(
            max_fill_area=8 if self.fill_holes else 0,
            objects_per_batch=_OBJECTS_PER_BATCH,
            memory_limits=FAST_MEMORY if self.fast else MemoryLimits(),
        )

    def _network(self) -> Sam2Network:
        # Imported here: scoring and --help need no torch, which takes seconds to load.
        from sam2_demo.weights import load_network

        return load_network(self.source, device=self.device, dtype=self.dtype)


def choose_models(
    sources: Sequence[str],
    baselines: Sequence[str],
    device: str = "auto",
    dtype: str = "auto",
    fill_holes: bool = False,
    with_fast: bool = False,
) -> list[Model]:
    """The rows of a run, in order; ConfigError for two of the same name or none at all."""
    models = [Model(_short_name(source), source, "network", device, dtype, fill_holes) for source in sources]
    if with_fast:
        models += [replace(model, name=f"{model.name}-fast", fast=True) for model in models]
    for baseline in baselines:
        if baseline not in BASELINES:
            raise ConfigError(f"baseline is {baseline!r}; accepted: {', '.join(BASELINES)}")
        if baseline == "memoryless":
            if not sources:
                raise ConfigError("the memoryless baseline segments frames with a model: give --model too")
            models += [
                Model(f"{_short_name(source)}-without-memory", source, baseline, device, dtype, fill_holes)
                for source in sources
            ]
        else:
            models.append(Model(baseline, baseline, baseline))
    names = [model.name for model in models]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not models:
        raise ConfigError(f"models need different names, twice there is {twice}" if twice else "no model was given")
    return models


def _short_name(source: str) -> str:
    """A folder name for a model: a file's name without its ending, a Hub id's last part."""
    path = Path(source)
    name = path.stem if path.suffix in (".pt", ".pth", ".safetensors") else path.name
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "model"
