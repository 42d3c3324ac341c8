"""Reference models for parity tests: transformers' SAM 2 with random weights that make every part matter.

Default random weights hide mistakes: with small matrices and zero biases all masks come out alike and nothing
depends on memory. Here matrices are scaled by fan-in, norms and biases are noisy, objects are mostly present,
and memory weighs enough that a wrong memory changes masks by far more than the tolerance.

Memories are kept in bfloat16 by the released code and by transformers, whatever they compute in. A difference in the
last bit of float32 then turns, now and then, into one of 1/256, and logits drift apart by up to 1e-3 with weights
like these, although nothing is wrong. We keep them in the type of the computation, so parity in float32 is measured
with transformers' memories in float32 too (`unrounded_memories`).

Transformers deviates from the released code in three places, which `VideoReference` puts right:
- the pointer of a mask prompt comes from the best of three candidates, where the released code takes the single one;
- the memory of a mask prompt is made from the mask itself, where the released code upscales its low-res logits;
- a corrected frame is no conditioning frame and its earlier logits are not fed back (the released code does both
  with `add_all_frames_to_correct_as_cond=True`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MethodType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import Sam2HieraDetConfig, Sam2VideoConfig, Sam2VideoModel, Sam2VisionConfig
from transformers.models.sam2_video import modeling_sam2_video
from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

from sam2_demo import load_network
from sam2_demo.network.config import OFFICIAL_CONFIGS, HieraConfig
from sam2_demo.network.sam2_network import Sam2Network

SIDE = 128
LOGIT_TOLERANCE = 2e-4
MIN_IOU = 0.999
_MEAN, _DEVIATION = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def vision_config(trunk: HieraConfig, side: int = SIDE) -> Sam2VisionConfig:
    """Transformers' configuration of a trunk of ours, for pictures of `side` pixels."""
    channels = list(trunk.channels)
    backbone = Sam2HieraDetConfig(
        hidden_size=trunk.embed_dim,
        num_attention_heads=trunk.num_heads,
        image_size=[side, side],
        blocks_per_stage=list(trunk.stages),
        embed_dim_per_stage=channels,
        num_attention_heads_per_stage=[trunk.num_heads * 2**i for i in range(4)],
        window_size_per_stage=list(trunk.window_sizes),
        global_attention_blocks=list(trunk.global_attention_blocks),
        window_positional_embedding_background_size=list(trunk.position_background_size),
    )
    sizes = [[side // stride, side // stride] for stride in (4, 8, 16)]
    return Sam2VisionConfig(
        backbone_config=backbone, backbone_channel_list=channels[::-1], backbone_feature_sizes=sizes
    )


def video_config(variant: str, side: int = SIDE) -> Sam2VideoConfig:
    """Transformers' configuration of one of our official variants."""
    config = OFFICIAL_CONFIGS[variant]
    assert isinstance(config.trunk, HieraConfig)
    has_time = config.version == "2.1"
    return Sam2VideoConfig(
        vision_config=vision_config(config.trunk, side),
        prompt_encoder_config={"image_size": side},
        image_size=side,
        memory_attention_rope_feat_sizes=[side // 16, side // 16],
        enable_temporal_pos_encoding_for_object_pointers=has_time,
        enable_occlusion_spatial_embedding=has_time,
    )


def _random_values(name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
    noise = torch.randn(shape, generator=generator)
    if name.endswith("positional_embedding"):
        return noise
    if name.endswith("pred_obj_score_head.proj_out.bias"):
        return noise + 3.0  # objects are mostly present
    if name.endswith(".scale"):
        return 0.3 * noise
    is_matrix = len(shape) >= 2 and name.endswith(".weight")
    if is_matrix and "embed.weight" not in name and "token" not in name.rsplit(".", 2)[-2]:
        gain = 1.0
        if "cross_attn_image." in name and ("v_proj" in name or "o_proj" in name):
            gain = 3.0
        if name.startswith("memory_encoder."):
            gain = 1.5
        return gain * noise * noise[0].numel() ** -0.5
    if name.endswith(".weight") and len(shape) == 1:
        return 1.0 + 0.1 * noise
    if name.endswith(".bias"):
        return 0.1 * noise
    return 0.5 * noise  # tokens, embeddings, positions


def fill_randomly(model: torch.nn.Module, seed: int) -> None:
    """Overwrite all weights in place, the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    state = model.state_dict()
    for name, tensor in state.items():
        tensor.copy_(_random_values(name, tensor.shape, generator))
    copy = state.get("prompt_encoder.shared_embedding.positional_embedding")
    if copy is not None:
        copy.copy_(state["shared_image_embedding.positional_embedding"])


def random_reference(variant: str, seed: int = 0) -> Sam2VideoModel:
    """Transformers' video model of a variant with random weights, in eval mode."""
    model = Sam2VideoModel(video_config(variant)).eval()
    fill_randomly(model, seed)
    model._use_mask_as_output = MethodType(_mask_as_released, model)
    return model


def load_saved(model: Sam2VideoModel, folder: Path, side: int = SIDE) -> Sam2Network:
    """The same weights as our network, by way of the file that transformers writes; input side as the reference."""
    model.save_pretrained(folder)
    network = load_network(folder / "model.safetensors", device="cpu", dtype="float32")
    network.config = replace(network.config, image_size=side)
    return network


def _mask_as_released(self: Sam2VideoModel, features: Tensor, high_res_features: list[Tensor], mask: Tensor) -> Any:
    forward = self._single_frame_forward
    self._single_frame_forward = lambda **inputs: forward(**inputs, multimask_output=False)  # type: ignore[method-assign]
    try:
        output = type(self)._use_mask_as_output(self, features, high_res_features, mask)
    finally:
        del self._single_frame_forward
    size = (self.image_size, self.image_size)
    output.high_res_masks = F.interpolate(output.pred_masks, size=size, mode="bilinear", align_corners=False)
    return output


def unrounded_memories(patch: pytest.MonkeyPatch) -> None:
    """Keep transformers' memories in float32."""
    stand_in = SimpleNamespace(**{**vars(torch), "bfloat16": torch.float32})
    patch.setattr(modeling_sam2_video, "torch", stand_in)


def normalized(frames: np.ndarray) -> Tensor:
    """Frames (N, S, S, 3) uint8 -> (N, 3, S, S), normalised with ImageNet's mean and deviation."""
    return ((torch.from_numpy(frames).float() / 255 - _MEAN) / _DEVIATION).permute(0, 3, 1, 2)


def moving_frames(count: int, seed: int = 1, side: int = SIDE) -> np.ndarray:
    """A textured clip (count, S, S, 3) uint8 whose content shifts and changes a little from frame to frame."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 20, 20, generator=generator)
    canvas = F.interpolate(coarse, size=(side + 8 * count,) * 2, mode="bicubic", align_corners=False)[0]
    frames = []
    for index in range(count):
        view = canvas[:, 5 * index : 5 * index + side, 8 * index : 8 * index + side]
        frames.append((view + 0.03 * torch.randn(view.shape, generator=generator)).clamp(0, 1))
    return (torch.stack(frames).permute(0, 2, 3, 1) * 255).round().to(torch.uint8).numpy()


class VideoReference:
    """One object followed by the reference; objects never share state in the released code."""

    def __init__(self, model: Sam2VideoModel, frames: np.ndarray) -> None:
        self.model = model
        self.session = Sam2VideoInferenceSession(
            video=normalized(frames),
            video_height=frames.shape[1],
            video_width=frames.shape[2],
            dtype=torch.float32,
            max_vision_features_cache_size=len(frames),
        )
        self.session.obj_id_to_idx(1)

    def click(self, frame_index: int, points: list[tuple[float, float]], labels: list[int]) -> Tensor:
        """Prompt a frame that was not tracked with clicks or box corners (labels 2 and 3): mask logits (S, S)."""
        self.session.add_point_inputs(0, frame_index, self._points(points, labels))
        return self._run_prompted(frame_index)

    def give_mask(self, frame_index: int, mask: np.ndarray) -> Tensor:
        """Prompt a frame with a mask (S, S) bool: mask logits (S, S)."""
        self.session.add_mask_inputs(0, frame_index, torch.from_numpy(mask)[None, None])
        return self._run_prompted(frame_index)

    @torch.inference_mode()
    def correct(self, frame_index: int, points: list[tuple[float, float]], labels: list[int]) -> Tensor:
        """Clicks on a frame that was tracked, which becomes a conditioning frame: mask logits (S, S)."""
        outputs = self.session.output_dict_per_obj[0]
        earlier = outputs["cond_frame_outputs"].get(frame_index) or outputs["non_cond_frame_outputs"][frame_index]
        output = self.model._run_single_frame_inference(
            inference_session=self.session,
            frame_idx=frame_index,
            obj_idx=0,
            batch_size=1,
            is_init_cond_frame=False,
            point_inputs=self._points(points, labels),
            mask_inputs=None,
            reverse=self.session.frames_tracked_per_obj[0][frame_index]["reverse"],
            prev_sam_mask_logits=earlier["pred_masks"].clamp(-32, 32),
        )
        outputs["non_cond_frame_outputs"].pop(frame_index, None)
        self.session.store_output(0, frame_index, output_value=output, is_conditioning_frame=True)
        if output.get("maskmem_features") is None:  # EdgeTAM's comes with the output
            self._encode_memory(frame_index, output)
        return self._full_size(output["pred_masks"])

    def _encode_memory(self, frame_index: int, output: dict[str, Any]) -> None:
        self.model._batch_encode_memories(
            inference_session=self.session,
            frame_idx=frame_index,
            objects_needing_memory_encoding=[0],
            high_res_masks_for_memory=[output["high_res_masks"]],
            object_score_logits_for_memory=[output["object_score_logits"]],
            is_mask_from_pts_per_obj=[True],
        )

    def propagate(self, start: int, reverse: bool = False) -> Iterator[tuple[int, Tensor]]:
        """Frame indices and mask logits (S, S) from `start` to the end of the clip, or to its beginning."""
        for output in self.model.propagate_in_video_iterator(self.session, start_frame_idx=start, reverse=reverse):
            yield output.frame_idx, self._full_size(output.pred_masks)

    def _run_prompted(self, frame_index: int) -> Tensor:
        self.session.obj_with_new_inputs = [1]
        return self._full_size(self.model(self.session, frame_idx=frame_index).pred_masks)

    @staticmethod
    def _points(points: list[tuple[float, float]], labels: list[int]) -> dict[str, Tensor]:
        coords = torch.tensor(points, dtype=torch.float32)[None, None]
        return {"point_coords": coords, "point_labels": torch.tensor(labels, dtype=torch.int32)[None, None]}

    @staticmethod
    def _full_size(low_res: Tensor) -> Tensor:
        return F.interpolate(low_res.float(), scale_factor=4, mode="bilinear", align_corners=False)[0, 0]


def assert_same_masks(ours: np.ndarray, reference: Tensor | np.ndarray, what: str) -> None:
    """Every logit within the tolerance, and masks that overlap."""
    expected = reference.numpy() if isinstance(reference, Tensor) else reference
    assert ours.shape == expected.shape, what
    worst = float(np.abs(ours - expected).max())
    assert worst <= LOGIT_TOLERANCE, f"{what}: logits differ by {worst:.2e}"
    union = ((ours > 0) | (expected > 0)).sum()
    iou = ((ours > 0) & (expected > 0)).sum() / union if union else 1.0
    assert iou >= MIN_IOU, f"{what}: IoU {iou:.5f}"
