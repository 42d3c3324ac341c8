"""Policy of the predictors: what may change without retraining."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from sam2_demo.errors import ConfigError
from sam2_demo.network.config import AnswerConfig
from sam2_demo.tracking.memory_rules.catalogue import check_memory_rule

if TYPE_CHECKING:  # options are read by commands that do without torch
    from sam2_demo.network.sam2_network import Sam2Network


AtCuts = Literal["track_on", "look_again", "stop"]


@dataclass(frozen=True)
class MemoryLimits:
    """How much of its memories an object attends to on a frame; None: as the network was trained.

    recent: frames before the current one (published: 6); conditioning: prompted frames, the nearest ones
    (published: all).
    """

    recent: int | None = None
    conditioning: int | None = None

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if (self.recent is not None and self.recent < 0) or (self.conditioning is not None and self.conditioning < 1):
            raise ConfigError(f"memory limits {self} cannot be; accepted: recent 0 or more, conditioning 1 or more")


FAST_MEMORY = MemoryLimits(recent=4, conditioning=2)
_FAST_STRIDE = 2  # of the four frames before, two are then memories
_PUBLISHED_RECENT = 6


@dataclass(frozen=True)
class TrackingOptions:
    """How predictors clean masks, bound their memory and group their work.

    max_fill_area: holes and specks up to this many low-res pixels are filled or removed in `masks`, never in
        `mask_logits` or in memory (released setting: 8); 0 turns it off.
    exclusive_masks: give a pixel claimed by several objects to the one of highest logit, in `masks` only.
    embedding_cache_bytes: bound of the cache of image embeddings, one for all clips that a predictor has open; it also
        holds no more than 128.
    recent_memories: frames per object whose memory and exact logits stay at hand; older ones are rebuilt.
    objects_per_batch: how many objects are computed at once; None: one by one on CPUs in float32 with official models,
        which keeps every object's numbers independent of the others to the last bit, elsewhere as many as memory bears.
    memory_limits: what is attended to; FAST_MEMORY most of all spares the official models, whose attention over the
        memories takes half of a tracked frame's time.
    frame_stride: every so manieth frame of a clip is tracked, and the masks between are interpolated; prompted frames
        are never passed over. 1: all are tracked; at most as many frames as recent memories reach back.
    input_size: side of the network's input in clips, a multiple of 32; None: as the network was trained. Half of it
        takes about two fifths of the encoder's time and a fifth of memory attention's.
    closer_look: whether the mask of a thing that does not fill the picture is drawn from two windows around it, whose
        encoding costs the time of two more pictures; None: where the network's configuration asks for it, which the
        embedded model's does.
    follow_edges: whether the outlines of `masks`, never of `mask_logits` or in memory, are moved onto edges of the
        picture, which takes some 5 ms per object at 1280 x 720; None: where the network's configuration asks for it,
        which the embedded model's does.
    answers: how answers to prompts are made of the decoder's candidates; None: as the network's configuration says.
    memory_rule: what is remembered and which candidate is taken while tracking, by its name in
        `memory_rules.catalogue`.
    at_cuts: what tracking does where a shot ends: "track_on" as SAM 2 does, which knows of no cuts; "look_again": no
        recent memory is carried across, and the object is looked for (`after_cuts`); "stop". The latter two look
        through the whole clip for cuts first, unless `ClipTracker.cuts` was set.
    """

    max_fill_area: int = 8
    exclusive_masks: bool = False
    embedding_cache_bytes: int = 512 * 2**20
    recent_memories: int = 64
    objects_per_batch: int | None = None
    memory_limits: MemoryLimits = MemoryLimits()
    frame_stride: int = 1
    input_size: int | None = None
    closer_look: bool | None = None
    follow_edges: bool | None = None
    answers: AnswerConfig | None = None
    memory_rule: str = "published"
    at_cuts: AtCuts = "track_on"

    def looks_closer(self, network: Sam2Network) -> bool:
        """Whether predictors with this network take a second look."""
        return network.config.closer_look if self.closer_look is None else self.closer_look

    def follows_edges(self, network: Sam2Network) -> bool:
        """Whether predictors with this network move outlines onto edges."""
        return network.config.follow_edges if self.follow_edges is None else self.follow_edges

    def answers_with(self, network: Sam2Network) -> AnswerConfig:
        """How predictors with this network make their answers."""
        return self.answers or network.config.answers

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        check_memory_rule(self.memory_rule)
        if self.at_cuts not in get_args(AtCuts):
            raise ConfigError(f"at_cuts is {self.at_cuts!r}; accepted: {', '.join(get_args(AtCuts))}")
        if self.max_fill_area < 0 or self.embedding_cache_bytes < 0:
            raise ConfigError("max_fill_area and embedding_cache_bytes must be 0 or more")
        if self.recent_memories < 16:
            raise ConfigError(f"recent_memories is {self.recent_memories}; give at least the 16 that tracking reads")
        if self.objects_per_batch is not None and self.objects_per_batch < 1:
            raise ConfigError(f"objects_per_batch is {self.objects_per_batch}; give at least 1")
        reach = _PUBLISHED_RECENT if self.memory_limits.recent is None else max(1, self.memory_limits.recent)
        if not isinstance(self.frame_stride, int) or not 1 <= self.frame_stride <= reach:
            raise ConfigError(
                f"frame_stride is {self.frame_stride}; memories reach {reach} frames back, so whole numbers from 1, "
                f"which tracks every frame, to {reach} are accepted"
            )
        if self.input_size is not None and (self.input_size < 32 or self.input_size % 32):
            raise ConfigError(f"input_size is {self.input_size}; it must be a positive multiple of 32")


def in_fast_mode(options: TrackingOptions) -> TrackingOptions:
    """The same options with what fast mode spares: every other frame is tracked, with fewer memories."""
    return replace(options, memory_limits=FAST_MEMORY, frame_stride=_FAST_STRIDE)
