"""What a training run is: stages of one trainer, as frozen dataclasses that state only differences."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from sam2_demo.errors import ConfigError
from sam2_demo.network.config import EMBEDDED_CONFIG, SCRATCH_CONFIG, NetworkConfig
from sam2_demo.training.clip_batches import ANNOTATED_SHARE
from sam2_demo.training.clip_edits import ClipEdits
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


# Memories and the object score are what clips teach; all three candidates should hold the tracked object.
FROM_SCRATCH_CLIPS = replace(FROM_SCRATCH, positive_weight=1.5, object_score=1.0, mean_candidate=0.3, saliency=0.0)


# Once masks are whole, what is left to gain lies at their outlines.
AT_OUTLINES = replace(FROM_SCRATCH, outline=5.0)
AT_OUTLINES_CLIPS = replace(FROM_SCRATCH_CLIPS, outline=5.0)


@dataclass(frozen=True)
class ClipStage:
    """Clips of a stage: per step `clips` clips of `frames` frames of side `size` with up to `objects` objects each;
    `corrections` corrective clicks on each frame that is corrected; every `picture_every`-th step takes pictures
    instead (1: every step, 0: none); one_by_one: a step's clips go through the network one after another, which takes
    the memory of one."""

    size: int
    clips: int
    frames: int
    objects: int
    corrections: int = 1
    picture_every: int = 3
    losses: LossWeights = FROM_SCRATCH_CLIPS
    one_by_one: bool = False


@dataclass(frozen=True)
class Stage:
    """One stretch of training.

    size: input side in pixels, a multiple of 32; pictures, prompts: pictures per step and objects per picture;
    corrections: rounds of corrective clicks after the first prompt; lr_start to lr_end: learning rate, by
    cosine; steps or minutes: its length (one of them); clips: what clips are made of, None for pictures only;
    freeze: prefixes of parameters that stay as they are; statistics: batch norm's are trained, or held as they are
    ("kept"), or held after being measured on pictures of this size when the stage starts ("measured"): batches of
    clips are too alike to train them.
    """

    name: str
    size: int
    pictures: int
    prompts: int
    lr_start: float
    lr_end: float
    steps: int | None = None
    minutes: float | None = None
    corrections: int = 2
    clips: ClipStage | None = None
    losses: LossWeights = FROM_SCRATCH
    freeze: tuple[str, ...] = ()
    statistics: Literal["trained", "measured", "kept"] = "trained"

    def __post_init__(self) -> None:
        """Refuse stages without an end or with a size that the strides cannot hold."""
        if (self.steps is None) == (self.minutes is None):
            raise ConfigError(f"stage {self.name}: give either steps or minutes")
        if self.size <= 0 or self.size % 32:
            raise ConfigError(f"stage {self.name}: size is {self.size}; it must be a multiple of 32")


@dataclass(frozen=True)
class TrainingConfig:
    """A whole run: stages and what they share.

    network: what is trained, None for an existing checkpoint's; trunk_rate: factor on the trunk's learning rate;
    ema_decay: of the averaged weights that are exported; layer_decay: factor on the learning rate per trunk
    stage away from the output (1: none); bfloat16: mixed precision in the forward pass (None:
    where the hardware gains by it); calibration_clips: clips of ten frames, and as many
    batches of pictures, on which scores are calibrated after the last stage (0: left as trained); calibrate_ious:
    predicted IoUs too, which the embedded model's loss makes truer of plain clips than a line fitted on varied ones
    (0.027 instead of 0.034, expected calibration error on five clips kept from training);
    split, limit_pictures: which of the data is used (`data.read_training_data`); annotated_share: of annotated clips
    among all clips, where there are any; edits: how often clips get cuts, twins and occluders.
    """

    name: str
    stages: tuple[Stage, ...]
    network: NetworkConfig | None = None
    seed: int = 0
    weight_decay: float = 0.05
    layer_decay: float = 1.0
    trunk_rate: float = 1.0
    clip_norm: float = 1.0
    ema_decay: float = 0.999
    warmup_steps: int = 100
    bfloat16: bool | None = None
    checkpoint_minutes: float = 3.0
    max_picture_side: int = 320
    calibration_clips: int = 0
    calibrate_ious: bool = False
    split: str | None = None
    limit_pictures: int | None = None
    annotated_share: float = ANNOTATED_SHARE
    edits: ClipEdits = field(default_factory=ClipEdits)
    augmentation: PictureAugmentation = field(default_factory=PictureAugmentation)

    @property
    def stage_names(self) -> list[str]:
        """The stages' names, in order."""
        return [stage.name for stage in self.stages]


_SOURCES = {
    "bsds500": 2.5,
    "car_parts": 3.0,
    "tiny_coco": 4.0,
    "coco_stuff_spade": 3.0,
    "feral_cats": 2.5,
    "ccp": 1.8,
    "camvid": 1.5,
    "scb_tabletop": 0.7,
    "dsb2018_nuclei": 0.8,
    # Many objects in each picture, but few pictures.
    "coco_small": 4.0,
    "labelme_facade": 2.0,
    "facade_seg": 2.0,
    "animals": 2.5,
    "camvid_more": 2.0,
    "pennfudan": 2.0,
    "rooftop_pv": 2.0,
    "fruits_yolo": 2.0,
    "segmush": 2.0,
    "nuts_demo": 2.0,
    "cityscapes_few": 5.0,
    "ade20k_few": 5.0,
}

_FIRST_BLOCKS = tuple(f"image_encoder.trunk.{part}" for part in ("stem.", "stages.0.", "stages.1."))

_ALL_BUT_OBJECT_SCORE = (
    *("image_encoder.", "memory_", "maskmem_", "no_mem_", "no_obj_", "obj_ptr_", "mask_downsample."),
    "sam_prompt_encoder.",
    *(f"sam_mask_decoder.{part}" for part in ("transformer.", "iou_", "mask_tokens.", "obj_score_token.")),
    *(f"sam_mask_decoder.{part}" for part in ("output_", "conv_s")),
)

# The trunk starts from ImageNet; its first blocks, which take half the time of a step, stay as they are.
# The final input is 384: most training pictures are 320 pixels wide, and 512 would only enlarge their blur.
EMBEDDED = TrainingConfig(
    name="embedded",
    network=EMBEDDED_CONFIG,
    stages=(
        Stage(
            "pictures-256", 256, 16, 4, lr_start=1e-3, lr_end=6e-4, minutes=32,
            freeze=_FIRST_BLOCKS, statistics="kept",
        ),
        Stage(
            "clips-256", 256, 16, 4, lr_start=6e-4, lr_end=4e-4, minutes=34, freeze=_FIRST_BLOCKS, statistics="kept",
            clips=ClipStage(size=256, clips=4, frames=6, objects=3, picture_every=2),
        ),
        Stage(
            "clips-384", 384, 8, 4, lr_start=4e-4, lr_end=1e-5, minutes=48, freeze=_FIRST_BLOCKS, statistics="kept",
            clips=ClipStage(size=384, clips=2, frames=5, objects=3, picture_every=2),
        ),
        Stage(
            "long-clips-320", 384, 8, 4, lr_start=4e-4, lr_end=1.5e-4, minutes=60, freeze=_FIRST_BLOCKS,
            statistics="kept", clips=ClipStage(size=320, clips=2, frames=8, objects=3, picture_every=2),
        ),
        Stage(
            "long-clips-384", 384, 8, 4, lr_start=1.5e-4, lr_end=1e-5, minutes=48, freeze=_FIRST_BLOCKS,
            statistics="kept", clips=ClipStage(size=384, clips=2, frames=8, objects=3, picture_every=2),
        ),
        Stage(
            "close-ups-320", 384, 16, 4, lr_start=6e-4, lr_end=2.5e-4, minutes=50, freeze=_FIRST_BLOCKS,
            statistics="kept", clips=ClipStage(size=320, clips=2, frames=8, objects=3, picture_every=2),
        ),
        Stage(
            "close-ups-384", 384, 16, 4, lr_start=2.5e-4, lr_end=1e-5, minutes=55, freeze=_FIRST_BLOCKS,
            statistics="kept", clips=ClipStage(size=384, clips=2, frames=8, objects=3, picture_every=2),
        ),
        # A clip step takes twice as long as one of pictures, which by now gain more by it.
        Stage(
            "pictures-320", 320, 16, 4, lr_start=6e-4, lr_end=3e-4, minutes=45, corrections=1, freeze=_FIRST_BLOCKS,
            statistics="kept", losses=AT_OUTLINES,
        ),
        Stage(
            "pictures-384", 384, 16, 4, lr_start=3e-4, lr_end=1.2e-4, minutes=45, corrections=1, freeze=_FIRST_BLOCKS,
            statistics="kept", losses=AT_OUTLINES,
        ),
        Stage(
            "last-clips-384", 384, 16, 4, lr_start=1.2e-4, lr_end=5e-6, minutes=38, freeze=_FIRST_BLOCKS,
            statistics="kept", losses=AT_OUTLINES,
            clips=ClipStage(size=384, clips=2, frames=8, objects=3, picture_every=2, losses=AT_OUTLINES_CLIPS),
        ),
        Stage(
            "last-pictures-384", 384, 16, 4, lr_start=2e-4, lr_end=5e-6, minutes=19, corrections=1,
            freeze=_FIRST_BLOCKS, statistics="kept", losses=AT_OUTLINES,
        ),
        # Annotated video, which the stages before had none of, beside made clips.
        Stage(
            "real-clips-384", 384, 16, 4, lr_start=3e-4, lr_end=5e-6, minutes=110, corrections=1,
            freeze=_FIRST_BLOCKS, statistics="kept", losses=AT_OUTLINES,
            clips=ClipStage(size=384, clips=2, frames=8, objects=3, picture_every=2, losses=AT_OUTLINES_CLIPS),
        ),
        Stage(
            "edited-clips-384", 384, 16, 4, lr_start=2e-4, lr_end=6e-5, minutes=60, corrections=1,
            freeze=_FIRST_BLOCKS, statistics="kept", losses=AT_OUTLINES,
            clips=ClipStage(size=384, clips=2, frames=8, objects=3, picture_every=3, losses=AT_OUTLINES_CLIPS),
        ),
        # As many frames as SAM 2.1's last stage: memories and pointers as old as in a film.
        Stage(
            "sixteen-frames-384", 384, 16, 4, lr_start=6e-5, lr_end=3e-6, minutes=25, corrections=1,
            freeze=_FIRST_BLOCKS, statistics="kept", losses=AT_OUTLINES,
            clips=ClipStage(
                size=384, clips=2, frames=16, objects=3, picture_every=3, losses=AT_OUTLINES_CLIPS, one_by_one=True
            ),
        ),
        # Whether an object is there is learnt from few hidden frames: many clips for that head alone, which needs no
        # gradient of anything else and takes a third of the time.
        Stage(
            "object-score-384", 384, 16, 4, lr_start=2e-3, lr_end=1e-4, minutes=6, freeze=_ALL_BUT_OBJECT_SCORE,
            statistics="kept", clips=ClipStage(size=384, clips=2, frames=8, objects=3, picture_every=0),
        ),
    ),
    trunk_rate=0.25,
    warmup_steps=50,
    calibration_clips=24,
    edits=ClipEdits(cut=0.3, twin=0.3, occluder=0.3),
    augmentation=PictureAugmentation(close_up=0.3, coarse=0.2, pile=0.15, source_weights=_SOURCES),
)  # fmt: skip

# Without anything pretrained: a trunk of plain convolutions, whose batch norm learns its statistics first.
SCRATCH = TrainingConfig(
    name="scratch",
    network=SCRATCH_CONFIG,
    stages=(
        Stage("pictures-192", 192, 24, 3, lr_start=1e-3, lr_end=7e-4, minutes=26, corrections=1),
        Stage("pictures-256", 256, 16, 4, lr_start=7e-4, lr_end=4e-4, minutes=19),
        Stage(
            "clips-192", 256, 16, 4, lr_start=5e-4, lr_end=3e-4, minutes=18, statistics="measured",
            clips=ClipStage(size=192, clips=4, frames=6, objects=3, picture_every=2),
        ),
        Stage(
            "clips-384", 384, 8, 4, lr_start=3.5e-4, lr_end=1e-5, minutes=32, statistics="measured",
            clips=ClipStage(size=384, clips=2, frames=4, objects=3, picture_every=2),
        ),
    ),
    calibration_clips=24,
    augmentation=PictureAugmentation(source_weights=_SOURCES),
)  # fmt: skip

# The published recipe for an existing checkpoint: its losses, a small rate, less for the trunk's early blocks.
# Sides are those of official models; the trainer takes the network's own.
FINETUNE = TrainingConfig(
    name="finetune",
    stages=(
        Stage(
            "finetune", 1024, 2, 2, lr_start=2e-5, lr_end=0.0, steps=2000, corrections=7, losses=LossWeights(),
            clips=ClipStage(
                size=1024, clips=1, frames=8, objects=2, corrections=7, picture_every=2, losses=LossWeights()
            ),
            statistics="kept",
        ),
    ),
    weight_decay=0.1,
    layer_decay=0.9,
    clip_norm=0.1,
    warmup_steps=20,
    max_picture_side=1024,
)  # fmt: skip

CONFIGS: dict[str, TrainingConfig] = {config.name: config for config in (EMBEDDED, SCRATCH, FINETUNE)}
FREEZABLE = {"trunk": "image_encoder.trunk.", "image-encoder": "image_encoder.", "memory": "memory_"}


def check_divisible(config: TrainingConfig, processes: int) -> None:
    """Refuse a number of processes that cannot share every batch evenly."""
    for stage in config.stages:
        for count in (stage.pictures, stage.clips.clips if stage.clips else 0):
            if count % processes:
                raise ConfigError(
                    f"stage {stage.name} has batches of {count}, which {processes} processes cannot share evenly"
                )


def shared_by(config: TrainingConfig, processes: int) -> TrainingConfig:
    """The same run with batches that so many processes can share evenly: none smaller, each a multiple of them."""

    def grown(count: int) -> int:
        return -(-count // processes) * processes

    stages = (
        replace(
            stage,
            pictures=grown(stage.pictures),
            clips=stage.clips and replace(stage.clips, clips=grown(stage.clips.clips)),
        )
        for stage in config.stages
    )
    return replace(config, stages=tuple(stages))


def from_stage(config: TrainingConfig, name: str) -> TrainingConfig:
    """The same run without the stages before the one called `name`."""
    if name not in config.stage_names:
        raise ConfigError(f"{config.name} has no stage {name!r}; its stages: {', '.join(config.stage_names)}")
    return replace(config, stages=config.stages[config.stage_names.index(name) :])


def with_size(config: TrainingConfig, size: int) -> TrainingConfig:
    """The same run with every stage's pictures and clips at input side `size`."""
    stages = (
        replace(stage, size=size, clips=stage.clips and replace(stage.clips, size=size)) for stage in config.stages
    )
    return replace(config, stages=tuple(stages))


def with_frozen(config: TrainingConfig, parts: tuple[str, ...]) -> TrainingConfig:
    """The same run with parts of the network, names of FREEZABLE, kept as they are."""
    prefixes = tuple(FREEZABLE[part] for part in parts)
    return replace(config, stages=tuple(replace(stage, freeze=stage.freeze + prefixes) for stage in config.stages))


def common_size(config: TrainingConfig) -> int | None:
    """The input side that pictures and clips of every stage share; None where they differ."""
    sizes = {size for stage in config.stages for size in (stage.size, stage.clips.size if stage.clips else stage.size)}
    return sizes.pop() if len(sizes) == 1 else None


def frozen_parts(config: TrainingConfig) -> list[str]:
    """The names of FREEZABLE whose parts every stage keeps as they are."""
    return [part for part, prefix in FREEZABLE.items() if all(prefix in stage.freeze for stage in config.stages)]


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
