"""Sizes of the SAM 2 variants as frozen dataclasses that state only differences.

Numbers: SAM 2 paper (Ravi et al. 2024), section 4 and appendix C, and the released configurations; those of the small
relatives from EdgeTAM (Zhou et al. 2025), EfficientTAM (Xiong et al. 2024) and their released configurations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sam2_demo.errors import ConfigError


@dataclass(frozen=True)
class HieraConfig:
    """Hiera trunk (Ryali et al. 2023) with windowed and global attention; four stages at strides 4 to 32."""

    embed_dim: int
    num_heads: int
    stages: tuple[int, int, int, int]
    global_attention_blocks: tuple[int, ...]
    window_sizes: tuple[int, int, int, int] = (8, 4, 14, 7)
    position_background_size: tuple[int, int] = (7, 7)

    @property
    def channels(self) -> tuple[int, int, int, int]:
        """Channels of the four stages, fine to coarse."""
        return self.embed_dim, 2 * self.embed_dim, 4 * self.embed_dim, 8 * self.embed_dim


@dataclass(frozen=True)
class ConvTrunkConfig:
    """Compact convolutional trunk: residual blocks of 3 x 3 convolutions, four stages at strides 4 to 32."""

    channels: tuple[int, int, int, int] = (32, 64, 128, 256)
    blocks: tuple[int, int, int, int] = (2, 2, 6, 2)


@dataclass(frozen=True)
class MobileTrunkConfig:
    """EfficientNet-Lite0 (Tan and Le 2019): a fixed layout, because pretrained weights exist for it alone.

    fine_width: channels at stride 4 of the top-down path behind it (`network.fine_path`), 0 for none.
    """

    fine_width: int = 32

    @property
    def channels(self) -> tuple[int, int, int, int]:
        """Channels of the maps at strides 4 to 32."""
        return (24, 40, 112, 320)


@dataclass(frozen=True)
class RepVitConfig:
    """RepViT (Wang et al. 2024), a convolutional trunk laid out like a transformer; four stages at strides 4 to 32."""

    channels: tuple[int, int, int, int]
    blocks: tuple[int, int, int, int]


@dataclass(frozen=True)
class PlainVitConfig:
    """Plain ViT with windowed and global attention (Li et al. 2022): one map, at stride 16."""

    embed_dim: int
    num_heads: int
    depth: int = 12
    window: int = 14
    global_attention_blocks: tuple[int, ...] = (2, 5, 8, 11)
    position_size: int = 14

    @property
    def channels(self) -> tuple[int]:
        """Channels of its one map."""
        return (self.embed_dim,)


TrunkConfig = HieraConfig | ConvTrunkConfig | MobileTrunkConfig | RepVitConfig | PlainVitConfig


@dataclass(frozen=True)
class ResamplerConfig:
    """How a memory is condensed to latents (EdgeTAM): some that see all of it, and a grid of `grid` x `grid` that see
    a window each and keep its place."""

    global_latents: int = 256
    grid: int = 16
    depth: int = 2
    mlp_ratio: int = 4

    @property
    def tokens(self) -> int:
        """Tokens of one memory: the global latents first, then the grid."""
        return self.global_latents + self.grid**2


POOLINGS = ("none", "weighted", "shifted")


@dataclass(frozen=True)
class AnswerConfig:
    """How answers to clicks and boxes are made of the decoder's candidates; the defaults are SAM 2's.

    replaces_unstable: a single mask that is not stable gives way to the best of the three;
    by_agreement: of three candidates the one that agrees most with all is chosen, not that of highest predicted IoU;
    mirrored: candidates are averaged with those of the mirrored picture, where no memory is involved and nothing is
    seen from closer up;
    parts_first: the first of three candidates from clicks is a part of what is meant: offered, never chosen;
    single_when_clear: the first of three candidates from a box or from several clicks, and the answer, is the single
    mask: only one click alone was trained to have several readings;
    box_slope: logits taken off a mask per side of its box beyond the box;
    island_share: parts without a positive click go if they have less than this share of the largest part with one.
    """

    replaces_unstable: bool = True
    by_agreement: bool = False
    mirrored: bool = False
    parts_first: bool = False
    single_when_clear: bool = False
    box_slope: float = 0.0
    island_share: float = 0.0


PUBLISHED_ANSWERS = AnswerConfig()


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that fixes the shapes and the behaviour of one SAM 2 network.

    `version` is 2.0 or 2.1; 2.1 adds a projected, signed temporal code on object pointers and an embedding
    that marks memories of frames on which the object is hidden. `resampler` condenses memories, if there is one;
    `memory_pooling`: memory attention sees memories averaged over 2 x 2 places, which count as four ("weighted") or
    whose keys are shifted by a constant ("shifted"); see `network.pooled_attention`. `closer_look`: small things are
    worth a second look, see `tracking.closer_look`; `follow_edges`: outlines are moved onto the picture's edges, see
    `masks.edges`; `answers`: see `tracking.answers`.
    """

    name: str
    trunk: TrunkConfig
    version: str = "2.1"
    image_size: int = 1024
    hidden_dim: int = 256
    memory_dim: int = 64
    memory_attention_layers: int = 4
    memory_attention_mlp_dim: int = 2048
    memory_attention_dropout: float = 0.1
    decoder_mlp_dim: int = 2048
    decoder_heads: int = 8
    num_memories: int = 7
    max_object_pointers: int = 16
    resampler: ResamplerConfig | None = None
    memory_pooling: str = "none"
    closer_look: bool = False
    follow_edges: bool = False
    answers: AnswerConfig = PUBLISHED_ANSWERS

    def __post_init__(self) -> None:
        """Refuse contradictions: sizes that the strides or the token split cannot hold."""
        if self.version not in ("2.0", "2.1"):
            raise ConfigError(f"version is {self.version!r}; accepted: '2.0', '2.1'")
        if self.image_size <= 0 or self.image_size % self.input_step:
            raise ConfigError(f"image_size is {self.image_size}; it must be a positive multiple of {self.input_step}")
        if self.hidden_dim % self.memory_dim or self.hidden_dim % (4 * self.decoder_heads):
            raise ConfigError(
                f"hidden_dim is {self.hidden_dim}; it must be a multiple of memory_dim ({self.memory_dim}) "
                f"and of four times decoder_heads ({self.decoder_heads})"
            )
        if self.memory_pooling not in POOLINGS:
            raise ConfigError(f"memory_pooling is {self.memory_pooling!r}; accepted: {', '.join(POOLINGS)}")

    @property
    def input_step(self) -> int:
        """Of what an input's side must be a multiple: the trunk's strides, or windows of the resampler's grid."""
        return 32 if self.resampler is None else 16 * self.resampler.grid

    @property
    def has_skips(self) -> bool:
        """Whether the mask decoder has skip connections from strides 4 and 8."""
        return len(self.trunk.channels) > 1

    @property
    def embedding_size(self) -> int:
        """Side of the stride-16 image embedding."""
        return self.image_size // 16

    @property
    def low_res_size(self) -> int:
        """Side of low-res logits (stride 4)."""
        return self.image_size // 4


_TINY = NetworkConfig("sam2.1-hiera-tiny", HieraConfig(96, 1, (1, 2, 7, 2), (5, 7, 9)))
_SMALL = replace(_TINY, name="sam2.1-hiera-small", trunk=HieraConfig(96, 1, (1, 2, 11, 2), (7, 10, 13)))
_BASE_PLUS = replace(
    _TINY,
    name="sam2.1-hiera-base-plus",
    trunk=HieraConfig(112, 2, (2, 3, 16, 3), (12, 16, 20), position_background_size=(14, 14)),
)
_LARGE = replace(
    _TINY,
    name="sam2.1-hiera-large",
    trunk=HieraConfig(144, 2, (2, 6, 36, 4), (23, 33, 43), window_sizes=(8, 4, 16, 8)),
)

OFFICIAL_CONFIGS: dict[str, NetworkConfig] = {
    config.name: config
    for base in (_TINY, _SMALL, _BASE_PLUS, _LARGE)
    for config in (base, replace(base, name=base.name.replace("sam2.1", "sam2"), version="2.0"))
}

EDGETAM_CONFIG = NetworkConfig(
    "edgetam",
    RepVitConfig(channels=(48, 96, 192, 384), blocks=(2, 2, 14, 2)),
    version="2.0",
    memory_attention_layers=2,
    resampler=ResamplerConfig(),
)

_EFFICIENTTAM = {
    "ti": NetworkConfig("efficienttam-ti", PlainVitConfig(192, 3), version="2.0"),
    "s": NetworkConfig("efficienttam-s", PlainVitConfig(384, 6), version="2.0"),
}
EFFICIENTTAM_CONFIGS: dict[str, NetworkConfig] = {
    config.name: config
    for base in _EFFICIENTTAM.values()
    for config in (
        base,
        replace(base, name=f"{base.name}-1", memory_pooling="weighted"),
        replace(base, name=f"{base.name}-2", memory_pooling="shifted"),
        replace(base, name=f"{base.name}-512x512", image_size=512),
    )
}

RELATED_CONFIGS: dict[str, NetworkConfig] = {EDGETAM_CONFIG.name: EDGETAM_CONFIG, **EFFICIENTTAM_CONFIGS}

EMBEDDED_CONFIG = NetworkConfig(
    name="embedded",
    trunk=MobileTrunkConfig(),
    image_size=384,
    hidden_dim=128,
    memory_dim=32,
    memory_attention_layers=2,
    memory_attention_mlp_dim=512,
    memory_attention_dropout=0.0,
    decoder_mlp_dim=512,
    decoder_heads=4,
    closer_look=True,
    follow_edges=True,
    answers=AnswerConfig(
        replaces_unstable=False,
        by_agreement=True,
        mirrored=True,
        parts_first=True,
        single_when_clear=True,
        box_slope=100.0,
        island_share=0.5,
    ),
)

# Weights of before the fine path; training takes them up (`--model`).
COARSE_EMBEDDED_CONFIG = replace(EMBEDDED_CONFIG, name="embedded-coarse", trunk=MobileTrunkConfig(fine_width=0))

# The embedded network with a trunk that learns fast when nothing pretrained is at hand; parts are for later.
SCRATCH_CONFIG = replace(
    EMBEDDED_CONFIG,
    name="scratch",
    trunk=ConvTrunkConfig(),
    answers=replace(EMBEDDED_CONFIG.answers, parts_first=False),
)
