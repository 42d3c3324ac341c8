"""What a training run is: stages of one trainer, as frozen dataclasses that state only differences."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sam2_demo.errors import ConfigError
from sam2_demo.training.losses import LossWeights
from sam2_demo.training.picture_batches import PictureAugmentation

# Cross-entropy with heavier positives in place of the focal term: see LossWeights.
FROM_SCRATCH = LossWeights(
    focal=0.0,
    cross_entropy=2.0,
    positive_weight=2.0,
    iou=0.5,
    object_score=0.1,
    single_candidate=0.5,
    mean_candidate=0.1,
    saliency=0.3,
)


@dataclass(frozen=True)
class Stage:
    """One stretch of training.

    kind: "pictures" or "sequences"; size: input side in pixels, a multiple of 32; pictures: pictures (or clips)
    per step; prompts: objects per picture; corrections: rounds of corrective clicks after the first prompt;
    frames: frames per clip; steps or minutes: its length (one of them); lr_start to lr_end: learning rate, by
    cosine; freeze: prefixes of parameters that stay as they are.
    """

    name: str
    kind: str
    size: int
    pictures: int
    prompts: int
    lr_start: float
    lr_end: float
    steps: int | None = None
    minutes: float | None = None
    corrections: int = 2
    frames: int = 1
    losses: LossWeights = FROM_SCRATCH
    freeze: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse stages without an end or with a size that the strides cannot hold."""
        if self.kind not in ("pictures", "sequences"):
            raise ConfigError(f"stage {self.name}: kind is {self.kind!r}; accepted: 'pictures', 'sequences'")
        if (self.steps is None) == (self.minutes is None):
            raise ConfigError(f"stage {self.name}: give either steps or minutes")
        if self.size <= 0 or self.size % 32:
            raise ConfigError(f"stage {self.name}: size is {self.size}; it must be a multiple of 32")


@dataclass(frozen=True)
class TrainingConfig:
    """A whole run: stages and what they share.

    ema_decay: of the averaged weights that are exported; layer_decay: factor on the learning rate per trunk
    stage away from the output (1: none); bfloat16: mixed precision in the forward pass.
    """

    name: str
    stages: tuple[Stage, ...]
    seed: int = 0
    weight_decay: float = 0.05
    layer_decay: float = 1.0
    clip_norm: float = 1.0
    ema_decay: float = 0.999
    warmup_steps: int = 100
    bfloat16: bool = True
    checkpoint_minutes: float = 3.0
    max_picture_side: int = 320
    augmentation: PictureAugmentation = field(default_factory=PictureAugmentation)


_SOURCES = {
    "bsds500": 1.8,
    "tiny_coco": 4.0,
    "coco_stuff_spade": 3.0,
    "feral_cats": 2.5,
    "ccp": 1.2,
    "camvid": 1.5,
    "scb_tabletop": 0.7,
    "dsb2018_nuclei": 0.8,
}

EMBEDDED = TrainingConfig(
    name="embedded",
    stages=(
        Stage("pictures-192", "pictures", 192, 24, 3, lr_start=1e-3, lr_end=7e-4, minutes=26, corrections=1),
        Stage("pictures-256", "pictures", 256, 16, 4, lr_start=7e-4, lr_end=4e-4, minutes=18),
        Stage("pictures-384", "pictures", 384, 8, 4, lr_start=4e-4, lr_end=1.5e-4, minutes=14),
    ),
    augmentation=PictureAugmentation(source_weights=_SOURCES),
)

CONFIGS: dict[str, TrainingConfig] = {EMBEDDED.name: EMBEDDED}


def with_budget(config: TrainingConfig, minutes: float | None = None, steps: int | None = None) -> TrainingConfig:
    """The same run stretched or shortened: every stage keeps its share of `minutes` or of `steps`."""
    if minutes is None and steps is None:
        return config
    lengths = [stage.minutes if stage.minutes is not None else float(stage.steps or 0) for stage in config.stages]
    shares = [length / sum(lengths) for length in lengths]
    stages = tuple(
        replace(stage, minutes=minutes * share, steps=None)
        if minutes is not None
        else replace(stage, steps=max(1, round((steps or 0) * share)), minutes=None)
        for stage, share in zip(config.stages, shares, strict=True)
    )
    return replace(config, stages=stages)
