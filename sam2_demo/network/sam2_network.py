"""The whole network: the boxes of the paper's diagram, assembled (SAM 2 section 4).

Attribute names equal the names in the official checkpoints, so their tensors load strictly.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_demo.network.config import NetworkConfig
from sam2_demo.network.image_encoder import ImageEncoder
from sam2_demo.network.layers import MLP
from sam2_demo.network.mask_decoder import MaskDecoder
from sam2_demo.network.memory_attention import MemoryAttention
from sam2_demo.network.memory_encoder import MemoryEncoder
from sam2_demo.network.object_pointer import NoPointerTime, PointerTimeProjection
from sam2_demo.network.outputs import ImageEmbedding, MaskPrediction, MemoryTokens
from sam2_demo.network.perceiver import PerceiverResampler, WholeMap
from sam2_demo.network.prompt_encoder import PADDING_LABEL, PromptEncoder
from sam2_demo.network.provenance import Provenance

MEMORY_MASK_SCALE, MEMORY_MASK_BIAS = 20.0, -10.0  # mask probabilities to [-10, 10] before the memory encoder


class Sam2Network(nn.Module):
    """SAM 2 without any state: every method is a pure function of its arguments and the weights.

    Pictures are square (B, 3, S, S), normalised with ImageNet's mean and deviation; S is usually
    `config.image_size`, and any multiple of 32 works (of 256 where memories are condensed to a grid).
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.compute_dtype = torch.float32
        self.compiled = False  # whether `for_inference` has PyTorch compile the heavy parts
        self.provenance: Provenance | None = None  # set by whoever loads the weights
        dim, memory_dim = config.hidden_dim, config.memory_dim
        self.image_encoder = ImageEncoder(config)
        self.mask_downsample = nn.Conv2d(1, 1, kernel_size=4, stride=4)
        self.memory_attention = MemoryAttention(config)
        self.memory_encoder = MemoryEncoder(dim, memory_dim)
        resampler = config.resampler
        self.spatial_perceiver = WholeMap() if resampler is None else PerceiverResampler(resampler, memory_dim)
        self.maskmem_tpos_enc = _small_random(config.num_memories, 1, 1, memory_dim)
        self.no_mem_embed = _small_random(1, 1, dim)
        self.no_mem_pos_enc = _small_random(1, 1, dim)  # in every checkpoint, unused by released models
        self.sam_prompt_encoder = PromptEncoder(dim)
        self.sam_mask_decoder = MaskDecoder(config)
        self.no_obj_ptr = _small_random(1, dim)
        self.obj_ptr_proj = MLP((dim, dim, dim, dim))
        has_time = config.version == "2.1"
        self.obj_ptr_tpos_proj = PointerTimeProjection(dim, memory_dim) if has_time else NoPointerTime(memory_dim)
        self.no_obj_embed_spatial = _small_random(1, memory_dim) if has_time else None

    def precision(self) -> AbstractContextManager[object]:
        """The context in which to run: autocast where `compute_dtype` is narrower than the weights."""
        if self.compute_dtype == self.dtype:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.compute_dtype)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.no_mem_embed.device

    @property
    def dtype(self) -> torch.dtype:
        """Floating-point type of the weights."""
        return self.no_mem_embed.dtype

    def encode_image(self, pixels: Tensor) -> ImageEmbedding:
        """Pixels (B, 3, S, S) -> embedding; the decoder's skip projections are applied here, once per picture."""
        return self.image_encoder(pixels, self.sam_mask_decoder.skip_projections)

    def attend_to_memory(self, features: Tensor, memory: MemoryTokens | None) -> Tensor:
        """Features (B, C, h, w) conditioned on memory; with None the no-memory embedding is added."""
        if memory is None:
            return features + self.no_mem_embed[0, 0][:, None, None]
        return self.memory_attention(features, memory)

    def decode_masks(
        self,
        features: Tensor,
        high_res_features: tuple[Tensor, ...],
        points: tuple[Tensor, Tensor] | None,
        low_res_logits: Tensor | None,
    ) -> MaskPrediction:
        """All four mask candidates, the single one first.

        features (B, C, h, w), conditioned or with the no-memory embedding; points: coordinates (B, P, 2) in
        input pixels and labels (B, P); low_res_logits (B, 1, 4h, 4w) or None. Points of None mean one padding
        point, as while tracking; P = 0 means no point token at all, as in SAM on pictures.
        """
        batch, _, height, width = features.shape
        if points is None:
            points = (
                features.new_zeros(batch, 1, 2),
                torch.full((batch, 1), PADDING_LABEL, dtype=torch.int32, device=features.device),
            )
        encoder = self.sam_prompt_encoder
        if points[1].shape[1]:
            sparse = encoder.encode_points(*points, image_size=16 * width)
        else:
            sparse = features.new_zeros(batch, 0, features.shape[1])
        dense = encoder.encode_logits(low_res_logits, batch, (height, width))
        position = encoder.pe_layer.grid(height, width)
        return self.sam_mask_decoder(features, high_res_features, position, sparse, dense)

    def point_at_object(self, mask_tokens: Tensor, is_visible: Tensor) -> Tensor:
        """Mask tokens (B, C) and visibility (B, 1) in {0, 1} -> object pointers (B, C)."""
        return is_visible * self.obj_ptr_proj(mask_tokens) + (1 - is_visible) * self.no_obj_ptr

    def encode_memory(self, features: Tensor, mask_probabilities: Tensor, is_visible: Tensor) -> Tensor:
        """Unconditioned features (B, C, h, w), mask in [0, 1] (B, 1, S, S), visibility (B, 1)
        -> memory features (B, memory_dim, h, w), or (B, memory_dim, N) latents of a network that condenses them."""
        mask = mask_probabilities * MEMORY_MASK_SCALE + MEMORY_MASK_BIAS
        memory_features = self.memory_encoder(features, mask)
        if self.no_obj_embed_spatial is not None:
            hidden = (1 - is_visible) * self.no_obj_embed_spatial  # (B, memory_dim)
            memory_features = memory_features + hidden[..., None, None]
        return self.spatial_perceiver(memory_features)

    def memory_position(self, memory_features: Tensor) -> Tensor:
        """Position code of the tokens of memory features, (1, N, memory_dim): where in the picture each one is."""
        return self.spatial_perceiver.position(memory_features)

    def upscale_logits(self, low_res_logits: Tensor, size: tuple[int, int]) -> Tensor:
        """Logits (B, M, h, w) -> (B, M, *size), bilinear, in float32."""
        return F.interpolate(low_res_logits.float(), size=size, mode="bilinear", align_corners=False)


def _small_random(*shape: int) -> nn.Parameter:
    parameter = nn.Parameter(torch.zeros(*shape))
    nn.init.trunc_normal_(parameter, std=0.02)
    return parameter
