"""The rows of a result table: networks by name, and the baselines measured beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sam2_demo.errors import ConfigError
from sam2_demo.evaluation.baselines import FlowPredictor, GrabCutPredictor
from sam2_demo.evaluation.contestants import ClipPredictor, PicturePredictor
from sam2_demo.tracking.options import TrackingOptions, in_fast_mode

if TYPE_CHECKING:
    from sam2_demo.network.sam2_network import Sam2Network

_OBJECTS_PER_BATCH = 16
BASELINES = ("grabcut", "flow", "memoryless")
WEIGHTS_SUFFIXES = (".pt", ".pth", ".safetensors")


@dataclass(frozen=True)
class Model:
    """One row: `name` for people and folders, `source` for load_network, `kind` network or a baseline's name."""

    name: str
    source: str
    kind: str = "network"
    device: str = "auto"
    dtype: str = "auto"
    fill_holes: bool = False  # the published numbers are without; people see masks with
    fast: bool = False  # every other frame, fewer memories
    one_look: bool = False  # no closer look, whatever the network asks for
    input_size: int | None = None  # of the network's input in clips
    memory_rule: str = "published"

    def check_clips(self, with_clicks: bool = False) -> None:
        """ConfigError for a baseline that does not track clips, or not from clicks where these are the prompts."""
        if self.kind == "grabcut":
            raise ConfigError("the grabcut baseline segments pictures only; for clips take flow or memoryless")
        if self.kind == "flow" and with_clicks:
            raise ConfigError("the flow baseline takes a mask or a box, no clicks; for clicks take memoryless")

    def check_pictures(self) -> None:
        """ConfigError for a baseline that does not segment still pictures."""
        if self.kind not in ("network", "grabcut"):
            raise ConfigError(f"the {self.kind} baseline tracks clips only; for pictures take grabcut")

    def clip_predictor(self) -> ClipPredictor:
        """What tracks clips; ConfigError for a baseline that does not."""
        self.check_clips()
        if self.kind == "flow":
            return FlowPredictor()
        if self.kind == "memoryless":
            from sam2_demo.evaluation.memoryless import MemorylessPredictor

            return MemorylessPredictor(self._network(), self._options())
        from sam2_demo.tracking.video_predictor import VideoPredictor

        return VideoPredictor(self._network(), self._options())

    def picture_predictor(self) -> PicturePredictor:
        """What segments still pictures; ConfigError for a baseline that does not."""
        self.check_pictures()
        if self.kind == "grabcut":
            return GrabCutPredictor()
        from sam2_demo.tracking.image_predictor import ImagePredictor

        return ImagePredictor(self._network(), self._options())

    def _options(self) -> TrackingOptions:
        options = TrackingOptions(
            max_fill_area=8 if self.fill_holes else 0,
            objects_per_batch=_OBJECTS_PER_BATCH,
            closer_look=False if self.one_look else None,
            input_size=self.input_size,
            memory_rule=self.memory_rule,
        )
        return in_fast_mode(options) if self.fast else options

    def _network(self) -> Sam2Network:
        # Imported here: scoring and --help need no torch, which takes seconds to load.
        from sam2_demo.weights import load_network

        return load_network(self.source, device=self.device, dtype=self.dtype)


@dataclass(frozen=True)
class FurtherRows:
    """Which other ways of running each model are measured beside it; memory_rules: a row of each model with each."""

    fast: bool = False
    one_look: bool = False
    input_size: int | None = None
    memory_rules: tuple[str, ...] = ("published",)


NO_FURTHER_ROWS = FurtherRows()


def choose_models(
    sources: Sequence[str],
    baselines: Sequence[str],
    device: str = "auto",
    dtype: str = "auto",
    fill_holes: bool = False,
    further: FurtherRows = NO_FURTHER_ROWS,
) -> list[Model]:
    """The rows of a run, in order; ConfigError for two of the same name or none at all."""
    named = list(zip(_short_names(sources), sources, strict=True))
    models = [Model(name, source, "network", device, dtype, fill_holes) for name, source in named]
    for rule in further.memory_rules:
        TrackingOptions(memory_rule=rule)  # refuses an unknown one
    models = [_with_rule(model, rule) for model in models for rule in further.memory_rules]
    plain = list(models)
    if further.fast:
        models += [replace(model, name=f"{model.name}-fast", fast=True) for model in plain]
    if further.one_look:
        models += [replace(model, name=f"{model.name}-one-look", one_look=True) for model in plain]
    if further.input_size is not None:
        size = further.input_size
        TrackingOptions(input_size=size)  # refuses what cannot work
        models += [replace(model, name=f"{model.name}-at-{size}", input_size=size) for model in plain]
    for baseline in baselines:
        if baseline not in BASELINES:
            raise ConfigError(f"baseline is {baseline!r}; accepted: {', '.join(BASELINES)}")
        if baseline == "memoryless":
            if not sources:
                raise ConfigError("the memoryless baseline segments frames with a model: give --model too")
            models += [
                Model(f"{name}-without-memory", source, baseline, device, dtype, fill_holes) for name, source in named
            ]
        else:
            models.append(Model(baseline, baseline, baseline))
    names = [model.name for model in models]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not models:
        raise ConfigError(f"models need different names, twice there is {twice}" if twice else "no model was given")
    return models


def _with_rule(model: Model, rule: str) -> Model:
    return model if rule == "published" else replace(model, name=f"{model.name}-{rule}", memory_rule=rule)


def _short_names(sources: Sequence[str]) -> list[str]:
    """A folder name for each model: a file's name without its ending, a Hub id's last part.

    Names that would be equal begin with as many of the folders above as tell them apart.
    """
    places = [_name_parts(source) for source in sources]
    return ["-".join(parts[-_parts_needed(parts, places) :]) for parts in places]


def _name_parts(source: str) -> list[str]:
    path = Path(source).expanduser()
    name = path.stem if path.suffix in WEIGHTS_SUFFIXES else path.name
    is_file = path.suffix in WEIGHTS_SUFFIXES or path.is_file()
    folders = path.resolve().parent.parts if is_file else path.parent.parts
    *above, own = [re.sub(r"[^A-Za-z0-9._-]+", "-", part).strip("-.") for part in (*folders, name)]
    return [*filter(None, above), own or "model"]


def _parts_needed(parts: list[str], places: Sequence[list[str]]) -> int:
    others = [own for own in places if own != parts]
    counts = range(1, len(parts) + 1)
    return next((count for count in counts if all(own[-count:] != parts[-count:] for own in others)), len(parts))
