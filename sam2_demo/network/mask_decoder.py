"""Mask decoder with high-resolution skips, ambiguous masks, IoU predictions and the occlusion head.

Sources: SAM appendix A, SAM 2 section 4 and appendix D.1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sam2_demo.network.config import NetworkConfig
from sam2_demo.network.layers import MLP, LayerNorm2d
from sam2_demo.network.outputs import MaskPrediction
from sam2_demo.network.two_way_transformer import TwoWayTransformer

NUM_MASK_TOKENS = 4  # token 0: the single mask; 1 to 3: the readings of an ambiguous prompt
_IOU_HEAD_DIM = 256


class MaskDecoder(nn.Module):
    """Picture, prompts and high-resolution features to mask candidates."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.transformer = TwoWayTransformer(dim, config.decoder_heads, config.decoder_mlp_dim)
        self.iou_token = nn.Embedding(1, dim)
        self.mask_tokens = nn.Embedding(NUM_MASK_TOKENS, dim)
        self.obj_score_token = nn.Embedding(1, dim)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(dim, dim // 4, kernel_size=2, stride=2),
            LayerNorm2d(dim // 4),
            nn.GELU(),
            nn.ConvTranspose2d(dim // 4, dim // 8, kernel_size=2, stride=2),
            nn.GELU(),
        )
        if config.has_skips:
            self.conv_s0 = nn.Conv2d(dim, dim // 8, kernel_size=1)
            self.conv_s1 = nn.Conv2d(dim, dim // 4, kernel_size=1)
        self.has_skips = config.has_skips
        self.output_hypernetworks_mlps = nn.ModuleList(MLP((dim, dim, dim, dim // 8)) for _ in range(NUM_MASK_TOKENS))
        self.iou_prediction_head = MLP((dim, _IOU_HEAD_DIM, _IOU_HEAD_DIM, NUM_MASK_TOKENS))
        self.pred_obj_score_head = MLP((dim, dim, dim, 1))

    @property
    def skip_projections(self) -> tuple[nn.Conv2d, ...]:
        """What projects the pyramid's strides 4 and 8 to the decoder's widths; none without skip connections."""
        return (self.conv_s0, self.conv_s1) if self.has_skips else ()

    def forward(
        self,
        features: Tensor,
        high_res_features: tuple[Tensor, ...],
        position: Tensor,
        sparse: Tensor,
        dense: Tensor,
    ) -> MaskPrediction:
        """All four candidates, token 0 first.

        features, dense (B, C, h, w); high_res_features ((B, C/8, 4h, 4w), (B, C/4, 2h, 2w)) or none;
        position (1, C, h, w); sparse (B, N, C).
        """
        batch, _, height, width = features.shape
        queries = torch.cat((self.obj_score_token.weight, self.iou_token.weight, self.mask_tokens.weight))
        tokens = torch.cat((queries.expand(batch, -1, -1), sparse), dim=1)
        picture = (features + dense).flatten(2).transpose(1, 2).contiguous()  # (B, h*w, C)
        placed = position.flatten(2).transpose(1, 2).contiguous()  # (1, h*w, C)
        tokens, picture = self.transformer(picture, placed, tokens)
        picture = picture.transpose(1, 2).unflatten(2, (height, width))
        upscaled = self._upscale(picture, high_res_features)
        return self._predict(tokens.float(), upscaled.float())

    def _predict(self, tokens: Tensor, upscaled: Tensor) -> MaskPrediction:
        """The heads, always in float32: they cost nothing, and what they give is compared and cut at thresholds."""
        mask_tokens = tokens[:, 2 : 2 + NUM_MASK_TOKENS]
        with torch.autocast(tokens.device.type, enabled=False):
            weights = torch.stack(
                [mlp(mask_tokens[:, i]) for i, mlp in enumerate(self.output_hypernetworks_mlps)], dim=1
            )  # (B, 4, C/8)
            logits = (weights @ upscaled.flatten(2)).unflatten(2, upscaled.shape[2:])  # (B, 4, 4h, 4w)
            return MaskPrediction(
                low_res_logits=logits,
                iou_predictions=self.iou_prediction_head(tokens[:, 1]).sigmoid(),
                mask_tokens=mask_tokens,
                object_score_logits=self.pred_obj_score_head(tokens[:, 0]),
            )

    def _upscale(self, picture: Tensor, high_res_features: tuple[Tensor, ...]) -> Tensor:
        if not high_res_features:
            return self.output_upscaling(picture)
        fine, middle = high_res_features
        first, norm, activation, second, last_activation = self.output_upscaling
        picture = activation(norm(first(picture) + middle))
        return last_activation(second(picture) + fine)


STABILITY_DELTA, STABILITY_THRESHOLD = 0.05, 0.98


def choose_candidates(all_four: MaskPrediction, multimask: bool, stability_fallback: bool = True) -> MaskPrediction:
    """Three candidates when `multimask`, else the single one.

    A single mask that is not stable (areas at logits > +-0.05 differ by more than 2 %) is replaced by the
    best of the three, unless `stability_fallback` is off (training). The single mask keeps token 0 as its
    token in either case, as in the released models.
    """
    logits, ious = all_four.low_res_logits, all_four.iou_predictions
    if multimask:
        return MaskPrediction(logits[:, 1:], ious[:, 1:], all_four.mask_tokens[:, 1:], all_four.object_score_logits)
    single, single_iou = logits[:, :1], ious[:, :1]
    if stability_fallback:
        best = ious[:, 1:].argmax(dim=1) + 1
        rows = torch.arange(len(best), device=best.device)
        stable = _is_stable(single)
        single = torch.where(stable[..., None, None], single, logits[rows, best][:, None])
        single_iou = torch.where(stable, single_iou, ious[rows, best][:, None])
    return MaskPrediction(single, single_iou, all_four.mask_tokens[:, :1], all_four.object_score_logits)


def _is_stable(logits: Tensor) -> Tensor:
    inner = (logits > STABILITY_DELTA).sum(dim=(-1, -2)).float()
    outer = (logits > -STABILITY_DELTA).sum(dim=(-1, -2)).float()
    score = torch.where(outer > 0, inner / outer, 1.0)
    return score >= STABILITY_THRESHOLD  # (B, 1)
