"""A loaded network as the sessions see it: opens clips and pictures, one step at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sam2_demo.engines.device_lock import DeviceLock
from sam2_demo.engines.model_catalogue import choice_for
from sam2_demo.engines.model_host import LoadedModel, Progress
from sam2_demo.errors import ConfigError
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.automatic_masks import AutomaticMaskGenerator, GridStep
from sam2_demo.tracking.clip_tracker import ClipTracker
from sam2_demo.tracking.image_predictor import ImagePredictor
from sam2_demo.tracking.memory_rules.catalogue import check_memory_rule
from sam2_demo.tracking.options import TrackingOptions, in_fast_mode
from sam2_demo.tracking.speed.warm_up import warm_up
from sam2_demo.tracking.stream import LiveStream
from sam2_demo.tracking.video_predictor import VideoPredictor
from sam2_demo.video.frame_reader import FrameReader
from sam2_demo.weights import load_network

log = logging.getLogger(__name__)

# One computer has one accelerator (or one set of cores), whatever the number of models on it.
_DEVICE_LOCK = DeviceLock()
_POINTS_PER_TURN = 16
_LEAST_SIDE = 64  # pixels


@dataclass(frozen=True)
class EngineOptions:
    """How models are run: device and precision as in `load_network`; fast: `tracking.options.in_fast_mode`; compiled:
    by PyTorch, before the first person comes; input_scale: side of the network's input in clips, as a share of the
    model's own (rounded to what the model can take); memory_rule: what clips begin with, see `TrackingOptions`.
    """

    device: str = "auto"
    dtype: str = "auto"
    fast: bool = False
    compiled: bool = False
    input_scale: float = 1.0
    memory_rule: str = "published"

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_memory_rule(self.memory_rule)
        if not 0 < self.input_scale <= 1:
            raise ConfigError(f"the input's scale is {self.input_scale}; accepted: above 0, up to 1")

    def tracking(self, network: Sam2Network) -> TrackingOptions:
        """What this means for clips with a network."""
        # Clips answer without a closer look: it would take a click from 0.09 s to 0.16 s on a CPU, and what is tracked
        # is no finer than low-res logits.
        options = TrackingOptions(exclusive_masks=True, closer_look=False, memory_rule=self.memory_rule)
        if self.input_scale < 1:
            side = network.config.image_size * self.input_scale
            step = network.config.input_step
            options = replace(options, input_size=max(_LEAST_SIDE, step, step * round(side / step)))
        return in_fast_mode(options) if self.fast else options


DEFAULT_OPTIONS = EngineOptions()


class NetworkEngine:
    """The engine of one network."""

    def __init__(self, name: str, network: Sam2Network, options: EngineOptions = DEFAULT_OPTIONS) -> None:
        self.name = name
        self.lock = _DEVICE_LOCK
        self._videos = VideoPredictor(network, options.tracking(network))

    def open_video(self, frames: FrameReader) -> ClipTracker:
        """The model's view of a clip."""
        return self._videos.open(frames)

    def open_stream(self) -> LiveStream:
        """The model's view of a camera."""
        return self._videos.open_stream()

    def open_picture(self) -> ImagePredictor:
        """The model's view of a picture that is still to be set."""
        return ImagePredictor(self._videos.network)

    def find_everything(
        self, rgb: NDArray[np.uint8], points_per_side: int, crop_layers: int, least_iou: float, least_stability: float
    ) -> Iterator[GridStep]:
        """All masks of a picture, a few points at a time so that others get their turn."""
        return AutomaticMaskGenerator(
            self._videos.network,
            points_per_side=points_per_side,
            points_per_batch=_POINTS_PER_TURN,
            pred_iou_thresh=least_iou,
            stability_score_thresh=least_stability,
            crop_n_layers=crop_layers,
            crop_n_points_downscale_factor=2,
            output_mode="coco_rle",
            closer_look=self._videos.network.config.closer_look,
        ).steps(rgb)


def load_engine(source: str, progress: Progress | None = None, options: EngineOptions = DEFAULT_OPTIONS) -> LoadedModel:
    """Load what `load_network` takes and, if asked, compile it; WeightsError says what is wrong."""
    network = load_network(source, device=options.device, dtype=options.dtype, progress=progress)
    network.compiled = options.compiled
    tracking = options.tracking(network)
    trouble = warm_up(network, progress or _log_step, tracking) if options.compiled else ""
    provenance = network.provenance
    name = source if provenance is None else provenance.source
    choice = choice_for(name)
    description = f"{choice.label}, on {network.device} in {str(network.compute_dtype).removeprefix('torch.')}"
    if network.compiled:
        description += ", compiled"
    if options.fast:
        description += f", fast mode ({choice.fast_mode})"
    if options.memory_rule != "published":
        description += f", memory rule {options.memory_rule}"
    if tracking.input_size is not None:
        description += f", clips seen at {tracking.input_size} x {tracking.input_size}"
    notice = "" if provenance is None else provenance.notice
    return LoadedModel(NetworkEngine(name, network, options), description, f"{notice} {trouble}".strip())


def _log_step(step: str, _share: float | None) -> None:
    log.info("%s", step)
