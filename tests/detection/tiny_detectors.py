"""Folders of tiny detectors with random weights, with the file names of real repositories."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

WORDS = ["dog", "red", "ball", "cat", "a", "small", "##s"]


def _spread(model: torch.nn.Module) -> torch.nn.Module:
    """Random weights whose answers differ from box to box."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            fan = parameter[0].numel() if parameter.ndim > 1 else 16
            parameter.add_(torch.randn(parameter.shape, generator=generator) / fan**0.5)
    return model.eval()


def _save(folder: Path, model, image_processor, tokenizer) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    _spread(model).save_pretrained(folder)
    image_processor.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def bert_tokenizer() -> transformers.BertTokenizer:
    letters = [chr(code) for code in range(97, 123)]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ",", *WORDS, *letters, *(f"##{x}" for x in letters)]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    core = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    core.normalizer = normalizers.BertNormalizer(lowercase=True)
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 2), ("[SEP]", 3)])
    core.decoder = decoders.WordPiece()
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=core, **names)


def clip_tokenizer(length: int) -> transformers.PreTrainedTokenizerFast:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = [*alphabet, *(f"{x}</w>" for x in alphabet), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    core = Tokenizer(models.BPE(vocabulary, [], end_of_word_suffix="</w>", unk_token="<|endoftext|>"))
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    start, end = vocabulary["<|startoftext|>"], vocabulary["<|endoftext|>"]
    core.post_processor = processors.TemplateProcessing(
        "<|startoftext|> $A <|endoftext|>", None, [("<|startoftext|>", start), ("<|endoftext|>", end)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, model_max_length=length, pad_token="<|endoftext|>", eos_token="<|endoftext|>",
        bos_token="<|startoftext|>", unk_token="<|endoftext|>",
    )  # fmt: skip


def _swin(**changes: object) -> transformers.SwinConfig:
    return transformers.SwinConfig(
        image_size=64, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 2, 2, 2], window_size=4, **changes
    )


def grounding(folder: Path, kind: str = "GroundingDino") -> Path:
    tokenizer = bert_tokenizer()
    text = transformers.BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    config = getattr(transformers, f"{kind}Config")(
        backbone_config=_swin(out_indices=[2, 3, 4]), text_config=text, d_model=32, encoder_layers=1, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, num_queries=20,
        num_feature_levels=4, max_text_len=24, fusion_dropout=0.0, fusion_droppath=0.0,
    )  # fmt: skip
    model = getattr(transformers, f"{kind}ForObjectDetection")(config)
    processor = transformers.GroundingDinoImageProcessorPil(size={"shortest_edge": 96, "longest_edge": 160})
    return _save(folder, model, processor, tokenizer)


def omdet(folder: Path) -> Path:
    tokenizer = clip_tokenizer(77)
    text = transformers.CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        projection_dim=32, eos_token_id=tokenizer.eos_token_id, bos_token_id=tokenizer.bos_token_id,
    )  # fmt: skip
    config = transformers.OmDetTurboConfig(
        backbone_config=_swin(out_indices=[2, 3, 4]), text_config=text, text_projection_in_dim=32,
        text_projection_out_dim=32, class_embed_dim=32, task_encoder_hidden_dim=16, num_queries=20,
        encoder_hidden_dim=16,
        encoder_in_channels=[16, 32, 64], vision_features_channels=[16, 16, 16], encoder_dim_feedforward=16,
        encoder_attention_heads=2, decoder_hidden_dim=16, decoder_num_heads=2, decoder_dim_feedforward=16,
        decoder_num_layers=2, image_size=64, apply_layernorm_after_vision_backbone=False,
    )  # fmt: skip
    model = transformers.OmDetTurboForObjectDetection(config)
    processor = transformers.DetrImageProcessorPil(size={"height": 64, "width": 64})
    return _save(folder, model, processor, tokenizer)


def owl(folder: Path) -> Path:
    tokenizer = clip_tokenizer(16)
    shared = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = transformers.Owlv2Config(
        text_config={**shared, "vocab_size": len(tokenizer), "max_position_embeddings": 16},
        vision_config={**shared, "image_size": 64, "patch_size": 16},
        projection_dim=16,
    )
    config.text_config.bos_token_id, config.text_config.eos_token_id = tokenizer.bos_token_id, tokenizer.eos_token_id
    model = transformers.Owlv2ForObjectDetection(config)
    processor = transformers.Owlv2ImageProcessorPil(size={"height": 64, "width": 64})
    return _save(folder, model, processor, tokenizer)


MAKERS = {
    "grounding-dino": grounding,
    "mm-grounding-dino": lambda folder: grounding(folder, "MMGroundingDino"),
    "omdet-turbo": omdet,
    "owlv2": owl,
}
