"""Tensor names of transformers' video models -> the official ones.

Transformers spells SAM 2 (`Sam2VideoModel`) and EdgeTAM (`EdgeTamVideoModel`) its own way; the `model.safetensors`
files of the official Hub repositories use those names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from sam2_demo.errors import WeightsError

_TRANSFORMERS_MARK = "vision_encoder."
_FOURIER_MATRIX = "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"
_FOURIER_COPY = "shared_image_embedding.positional_embedding"  # transformers keeps the picture's copy apart
_POINT_TABLE = "sam_prompt_encoder.point_embed.weight"  # one (4, C) table there, four (1, C) tables here
_PERCEIVER_KEYS = re.compile(r"spatial_perceiver\..*\.k_proj\.weight$")
_RECOMPUTED = re.compile(r"rotary_emb|position_ids|rope_")  # buffers that some versions save

# Applied to every name, top to bottom. Three-layer MLPs are proj_in, layers.0, proj_out in transformers.
_RENAMES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"^vision_encoder\.backbone\.timm_model\.", "image_encoder.trunk.body."),
    (r"^vision_encoder\.backbone\.", "image_encoder.trunk."),
    (r"^(memory_attention\.layers\.\d+)\.mlp\.up_proj\.", r"\1.linear1."),
    (r"^(memory_attention\.layers\.\d+)\.mlp\.down_proj\.", r"\1.linear2."),
    (r"^(spatial_perceiver)\.latents_1d$", r"\1.latents"),
    (r"^(spatial_perceiver\..*)\.layer_norm_input\.", r"\1.attn.norm_x."),
    (r"^(spatial_perceiver\..*)\.layer_norm_latents\.", r"\1.attn.norm_latents."),
    (r"^(spatial_perceiver\..*)\.layer_norm_self\.", r"\1.self_attn.norm."),
    (r"^(spatial_perceiver\..*)\.cross_attention\.", r"\1.attn."),
    (r"^(spatial_perceiver\..*)\.self_attention\.", r"\1.self_attn."),
    (r"^(spatial_perceiver\..*)\.q_proj\.", r"\1.to_q."),
    (r"^(spatial_perceiver\..*)\.o_proj\.", r"\1.to_out."),
    (r"^(spatial_perceiver\..*)\.(self_)?mlp\.layer_norm\.", r"\1.\2ff.0."),
    (r"^(spatial_perceiver\..*)\.(self_)?mlp\.up_proj\.", r"\1.\2ff.1."),
    (r"^(spatial_perceiver\..*)\.(self_)?mlp\.down_proj\.", r"\1.\2ff.3."),
    (r"^vision_encoder\.neck\.convs\.(\d+)\.", r"image_encoder.neck.convs.\1.conv."),
    (r"^prompt_encoder\.", "sam_prompt_encoder."),
    (r"^mask_decoder\.", "sam_mask_decoder."),
    (r"^no_memory_embedding$", "no_mem_embed"),
    (r"^no_memory_positional_encoding$", "no_mem_pos_enc"),
    (r"^memory_temporal_positional_encoding$", "maskmem_tpos_enc"),
    (r"^no_object_pointer$", "no_obj_ptr"),
    (r"^occlusion_spatial_embedding_parameter$", "no_obj_embed_spatial"),
    (r"^object_pointer_proj\.", "obj_ptr_proj."),
    (r"^temporal_positional_encoding_projection_layer\.", "obj_ptr_tpos_proj."),
    (r"\.patch_embed\.projection\.", ".patch_embed.proj."),
    (r"\.shared_embedding\.positional_embedding$", ".pe_layer.positional_encoding_gaussian_matrix"),
    (r"\.mask_embed\.conv([123])\.", lambda m: f".mask_downscaling.{3 * int(m[1]) - 3}."),
    (r"\.mask_embed\.layer_norm([12])\.", lambda m: f".mask_downscaling.{3 * int(m[1]) - 2}."),
    (r"\.upscale_conv1\.", ".output_upscaling.0."),
    (r"\.upscale_layer_norm\.", ".output_upscaling.1."),
    (r"\.upscale_conv2\.", ".output_upscaling.3."),
    (r"\.mask_downsampler\.final_conv\.", ".mask_downsampler.encoder.12."),
    (r"\.mask_downsampler\.layers\.(\d)\.conv\.", lambda m: f".mask_downsampler.encoder.{3 * int(m[1])}."),
    (r"\.mask_downsampler\.layers\.(\d)\.layer_norm\.", lambda m: f".mask_downsampler.encoder.{3 * int(m[1]) + 1}."),
    (r"\.feature_projection\.", ".pix_feat_proj."),
    (r"^memory_encoder\.projection\.", "memory_encoder.out_proj."),
    (r"\.memory_fuser\.", ".fuser."),
    (r"\.depthwise_conv\.", ".dwconv."),
    (r"\.pointwise_conv", ".pwconv"),
    (r"(fuser\.layers\.\d)\.scale$", r"\1.gamma"),
    (r"\.layer_norm", ".norm"),
    (r"\.o_proj\.", ".out_proj."),
    (r"((?:mlps\.\d|_head|obj_ptr_proj)\.layers)\.0\.", r"\1.1."),
    (r"\.proj_in\.", ".layers.0."),
    (r"\.mlp\.proj_out\.", ".mlp.layers.1."),
    (r"\.proj_out\.", ".layers.2."),
)


def to_official_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under their official names, values untouched; official names pass through."""
    if not any(name.startswith(_TRANSFORMERS_MARK) for name in tensors):
        return dict(tensors)
    renamed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        official = name
        for pattern, replacement in _RENAMES:
            official = re.sub(pattern, replacement, official)
        if not _RECOMPUTED.search(name):
            renamed[official] = tensor
    _join_fourier_copies(renamed)
    _join_keys_and_values(renamed)
    if _POINT_TABLE in renamed:
        for index, row in enumerate(renamed.pop(_POINT_TABLE).split(1)):
            renamed[f"sam_prompt_encoder.point_embeddings.{index}.weight"] = row
    return renamed


def _join_keys_and_values(tensors: dict[str, Tensor]) -> None:
    """The perceiver's projections of keys and values, two matrices there, one here."""
    for name in [name for name in tensors if _PERCEIVER_KEYS.match(name)]:
        values = name.replace(".k_proj.", ".v_proj.")
        if values in tensors:
            joined = torch.cat((tensors.pop(name), tensors.pop(values)))
            tensors[name.replace(".k_proj.", ".to_kv.")] = joined


def _join_fourier_copies(tensors: dict[str, Tensor]) -> None:
    copy = tensors.pop(_FOURIER_COPY, None)
    if copy is None:
        return
    kept = tensors.setdefault(_FOURIER_MATRIX, copy)
    if kept.shape != copy.shape or not torch.equal(kept, copy):
        raise WeightsError(
            f"{_FOURIER_COPY} and prompt_encoder.shared_embedding.positional_embedding differ; SAM 2 has one "
            "position code for pictures and prompts, so both must hold the same values"
        )
