"""Detectors against transformers' own models and post-processing, on tiny random weights."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from sam2_demo import load_detector
from sam2_demo.errors import ConfigError, InputError, WeightsError
from tests.detection.tiny_detectors import MAKERS

RGB = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
TARGET = torch.tensor([RGB.shape[:2]])
WORDS = ["dog", "red ball"]
THRESHOLDS = {"grounding-dino": 0.2, "mm-grounding-dino": 0.001, "omdet-turbo": 0.1, "owlv2": 0.5}


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in MAKERS.items()}


def _same(found, boxes: torch.Tensor, scores: torch.Tensor) -> np.ndarray:
    """Check boxes and scores against the reference's; returns the order of the reference's rows."""
    limits = np.array([70, 50, 70, 50], np.float32)
    order = np.argsort(-scores.numpy(), kind="stable")
    np.testing.assert_allclose(found.scores, scores.numpy()[order], atol=1e-6)
    np.testing.assert_allclose(found.boxes, boxes.numpy()[order].clip(0, limits), atol=1e-3)
    return order


@pytest.mark.parametrize("kind", ["grounding-dino", "mm-grounding-dino"])
@torch.inference_mode()
def test_grounding_detectors_answer_as_transformers(folders, kind: str) -> None:
    threshold = THRESHOLDS[kind]
    found = load_detector(folders[kind]).find(RGB, WORDS, threshold)
    model = transformers.AutoModelForZeroShotObjectDetection.from_pretrained(folders[kind])
    processor = transformers.GroundingDinoProcessor(
        transformers.GroundingDinoImageProcessorPil.from_pretrained(folders[kind]),
        transformers.AutoTokenizer.from_pretrained(folders[kind]),
    )
    inputs = processor(images=RGB, text=[WORDS], return_tensors="pt")
    output = model(**inputs)
    # A text threshold just below the best token's score leaves that token: the word that the box is about.
    reference = processor.post_process_grounded_object_detection(
        output, inputs.input_ids, threshold=threshold, text_threshold=threshold, target_sizes=TARGET
    )[0]
    assert 0 < len(found) <= 20
    order = _same(found, reference["boxes"], reference["scores"])
    kept = output.logits[0].sigmoid().max(1).values > threshold
    tokens = output.logits[0].sigmoid()[kept][order]
    for row, word in zip(tokens, found.words, strict=True):
        own = {"dog": [1], "red ball": [3, 4]}  # [CLS] dog . red ball . [SEP]
        best = {name: max(float(row[index]) for index in indices) for name, indices in own.items()}
        assert best[word] == max(best.values())
    assert set(found.words) <= set(WORDS)


@torch.inference_mode()
def test_omdet_answers_as_transformers(folders, monkeypatch) -> None:
    found = load_detector(folders["omdet-turbo"]).find(RGB, WORDS, 0.1)
    reference = importlib.import_module("transformers.models.omdet_turbo.processing_omdet_turbo")
    monkeypatch.setattr(reference, "batched_nms", _plain_nms, raising=False)  # torchvision's
    model = transformers.AutoModelForZeroShotObjectDetection.from_pretrained(folders["omdet-turbo"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(folders["omdet-turbo"])
    images = transformers.DetrImageProcessorPil.from_pretrained(folders["omdet-turbo"])
    options = {"padding": "max_length", "truncation": True, "max_length": 77, "return_tensors": "pt"}
    classes, tasks = tokenizer(WORDS, **options), tokenizer(["Detect dog, red ball."], **options)
    output = model(
        pixel_values=images(images=RGB, return_tensors="pt").pixel_values,
        classes_input_ids=classes.input_ids,
        classes_attention_mask=classes.attention_mask,
        tasks_input_ids=tasks.input_ids,
        tasks_attention_mask=tasks.attention_mask,
        classes_structure=torch.tensor([2]),
    )
    scores, labels = reference.compute_score(output.decoder_class_logits)
    boxes, scores, labels = reference._post_process_boxes_for_image(
        output.decoder_coord_logits[0], scores[0], labels, 2, RGB.shape[:2], threshold=0.1, nms_threshold=0.5
    )
    assert len(found) > 2
    order = _same(found, boxes, scores)
    assert found.words == [WORDS[int(labels[index])] for index in order]


def _plain_nms(boxes, scores, labels, threshold):
    kept: list[int] = []
    for index in torch.argsort(-scores).tolist():
        if all(labels[index] != labels[k] or _iou(boxes[index], boxes[k]) <= threshold for k in kept):
            kept.append(index)
    return torch.tensor(kept, dtype=torch.long)


def _iou(a, b) -> float:
    shared = (torch.minimum(a[2:], b[2:]) - torch.maximum(a[:2], b[:2])).clamp(min=0).prod()
    return float(shared / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared))


@torch.inference_mode()
def test_owl_answers_as_transformers_by_words_and_by_picture(folders) -> None:
    detector = load_detector(folders["owlv2"])
    model = transformers.AutoModelForZeroShotObjectDetection.from_pretrained(folders["owlv2"])
    processor = transformers.Owlv2Processor(
        transformers.Owlv2ImageProcessorPil.from_pretrained(folders["owlv2"]),
        transformers.AutoTokenizer.from_pretrained(folders["owlv2"]),
    )
    inputs = processor(text=[WORDS], images=RGB, return_tensors="pt")
    reference = processor.post_process_grounded_object_detection(
        model(**inputs), threshold=0.5, target_sizes=TARGET, text_labels=[WORDS]
    )[0]
    found = detector.find(RGB, WORDS, 0.5)
    assert len(found) > 0
    order = _same(found, reference["boxes"], reference["scores"])
    assert found.words == [reference["text_labels"][index] for index in order]

    example = RGB[10:30, 10:40]
    inputs = processor(images=RGB, query_images=example, return_tensors="pt")
    reference = processor.post_process_image_guided_detection(
        model.image_guided_detection(**inputs), threshold=0.0, nms_threshold=0.3, target_sizes=TARGET
    )[0]
    found = detector.find_like(RGB, example, threshold=0.0, word="this")
    kept = reference["scores"] > 0
    _same(found, reference["boxes"][kept], reference["scores"][kept])
    assert set(found.words) == {"this"}


@pytest.mark.parametrize("kind", MAKERS)
def test_sixteen_words_and_words_with_commas_are_all_asked_for(folders, kind: str) -> None:
    detector = load_detector(folders[kind])
    words = [f"dog {letter}" for letter in "abcdefghijklmno"] + ["red, ball"]
    found = detector.find(RGB, words, 0.0)
    assert set(found.words) <= set(words)
    assert (np.diff(found.scores) <= 0).all() and found.boxes.shape == (len(found), 4)
    if kind.endswith("dino"):
        # 15 words of two pieces and one of three, each with its full stop: 49 pieces in sentences of 22.
        assert [len(chunk) for chunk in detector._chunks(words)] == [7, 7, 2]
        assert len(found) == 3 * 20


@pytest.mark.parametrize("kind", MAKERS)
def test_bad_pictures_words_and_thresholds_are_refused_in_words(folders, kind: str) -> None:
    detector = load_detector(folders[kind])
    with pytest.raises(InputError, match="no word"):
        detector.find(RGB, ["", " "])
    with pytest.raises(InputError, match="uint8"):
        detector.find(RGB[..., 0], WORDS)
    with pytest.raises(ConfigError, match="0 to 1"):
        detector.find(RGB, WORDS, 1.5)
    assert len(detector.find(RGB, WORDS, 1.0)) == 0
    assert detector.find(RGB[:3, :3], WORDS, 0.0).boxes.max() <= 3


def test_words_the_model_cannot_read_and_too_long_ones_are_refused(folders) -> None:
    with pytest.raises(InputError, match="no letters for '狗'"):
        load_detector(folders["grounding-dino"]).find(RGB, ["dog", "狗"])
    for kind in ("grounding-dino", "owlv2"):
        with pytest.raises(InputError, match="too long for the model"):
            load_detector(folders[kind]).find(RGB, ["zq" * 20])
    assert set(load_detector(folders["owlv2"]).find(RGB, ["狗"], 0.0).words) == {"狗"}


def test_folders_that_lack_files_or_tensors_are_refused(folders, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    shutil.copytree(folders["owlv2"], broken)
    weights = broken / "model.safetensors"
    tensors = load_file(weights)
    lost = sorted(tensors)[3]
    save_file({name: value for name, value in tensors.items() if name != lost}, weights, {"format": "pt"})
    with pytest.raises(WeightsError, match="lacks 1 tensors"):
        load_detector(broken)
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match="cannot read"):
        load_detector(broken)
    weights.unlink()
    with pytest.raises(WeightsError, match=r"lacks model\.safetensors"):
        load_detector(broken)
    with pytest.raises(WeightsError, match="accepted: 'auto'"):
        load_detector("no such thing")


def test_without_the_extra_one_line_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setattr("sam2_demo.detection.loading.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'sam2_demo\[text\]'"):
        load_detector()
