"""Detectors by name: from a folder, from the Hub's cache, or downloaded, and checked to be whole.

transformers and its tokenizers are an extra of this project, imported when a detector is loaded.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from sam2_demo import hub
from sam2_demo.detection.pretrained import PretrainedDetector
from sam2_demo.device import resolve_device
from sam2_demo.errors import ConfigError, WeightsError

Progress = Callable[[str, "float | None"], None]

# By model type of config.json: our class, the model's and the image processor's names in transformers.
_GROUNDING = ("grounding.GroundingDetector", "GroundingDinoImageProcessorPil")
_FAMILIES = {
    "grounding-dino": _GROUNDING,
    "mm-grounding-dino": _GROUNDING,
    "omdet-turbo": ("omdet.OmDetDetector", "DetrImageProcessorPil"),
    "owlv2": ("owl.OwlDetector", "Owlv2ImageProcessorPil"),
}
KNOWN_DETECTORS = (
    "IDEA-Research/grounding-dino-tiny",
    "openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_v3det",
    "iSEE-Laboratory/llmdet_tiny",
    "omlab/omdet-turbo-swin-tiny-hf",
    "google/owlv2-base-patch16-ensemble",
)
# Processor seconds a picture, true size, random weights, one thread: OmDet-Turbo 1.8, OWLv2 12.0, Grounding DINO 14.1.
FASTEST_DETECTOR = "omlab/omdet-turbo-swin-tiny-hf"  # its trunk is timm's, which brings torchvision
DEFAULT_DETECTOR = "google/owlv2-base-patch16-ensemble"
HOW_TO_GET = "finding by words needs transformers: pip install 'sam2_demo[text]'"

_NEEDED = ("config.json", "preprocessor_config.json", "tokenizer_config.json")
_TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "merges.txt", "special_tokens_map.json")
_WEIGHTS = "model.safetensors"


def is_available() -> bool:
    """Whether the extra `text` is installed."""
    return find_spec("transformers") is not None


def default_detector() -> str:
    """What "auto" stands for: the fastest of those that this installation can run."""
    return FASTEST_DETECTOR if find_spec("timm") is not None else DEFAULT_DETECTOR


def load_detector(
    source: str | os.PathLike[str] = "auto",
    device: str | torch.device = "auto",
    progress: Progress | None = None,
) -> PretrainedDetector:
    """A detector in eval mode on a device: `detector.find(rgb, ["dog", "red ball"])`.

    source: "auto", the fastest that runs here (`default_detector`); a Hub id such as one of KNOWN_DETECTORS; or a
    folder with config.json, preprocessor_config.json, the tokenizer's files and model.safetensors.
    progress: receives the step in words and the fraction done in [0, 1], or None where it is unknown.
    Raises ConfigError without the extra `text`, WeightsError for what cannot be found, downloaded or read; a download
    that broke off goes on where it stopped when it is asked for again.
    """
    if not is_available():
        raise ConfigError(HOW_TO_GET)
    report = progress or _ignore_progress
    where = resolve_device(device)
    text = default_detector() if os.fspath(source) == "auto" else os.fspath(source)
    if Path(text).is_dir():
        return _load_folder(Path(text), text, where)
    if text.count("/") != 1 or Path(text).is_absolute() or text.startswith(("./", "../")):
        raise WeightsError(
            f"detector is {text!r}; accepted: 'auto', a Hub id such as {DEFAULT_DETECTOR!r}, or an existing folder"
        )
    folder = _fetch(text, report)
    report(f"Loading {text}", None)
    return _load_folder(folder, text, where)


def _ignore_progress(step: str, fraction: float | None) -> None:
    """What happens with progress that nobody watches."""


def _fetch(repo_id: str, report: Progress) -> Path:
    """The cache folder with all files of a repository that loading reads."""
    for name in _NEEDED:
        hub.fetch(f"{repo_id}/{name}", report)
    found = []
    for name in _TOKENIZER_FILES:
        try:
            found.append(hub.fetch(f"{repo_id}/{name}", report))
        except hub.NoSuchFileError:
            continue  # each kind of tokenizer has files of its own
    if not found:
        raise WeightsError(f"{repo_id} holds no tokenizer; accepted: one of {', '.join(_TOKENIZER_FILES)}")
    return hub.fetch(f"{repo_id}/{_WEIGHTS}", report).parent


def _load_folder(folder: Path, label: str, device: torch.device) -> PretrainedDetector:
    missing = [name for name in (*_NEEDED, _WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise WeightsError(f"{label} lacks {', '.join(missing)}")
    import transformers
    from safetensors import SafetensorError

    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
        family = _FAMILIES.get(config.model_type)
        if family is None:
            raise WeightsError(f"{label} is a model of type {config.model_type!r}; accepted: {', '.join(_FAMILIES)}")
        module, _, name = family[0].partition(".")
        detector: type[PretrainedDetector] = getattr(import_module(f"sam2_demo.detection.{module}"), name)
        image_processor = getattr(transformers, family[1]).from_pretrained(folder, local_files_only=True)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = _load_model(transformers, folder, label, config)
    except ImportError as error:
        # Backbones of timm bring torchvision, which has to match PyTorch.
        raise ConfigError(f"{label} needs more than the extra [text]: {_first_line(error)}") from error
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        if isinstance(error, ConfigError):
            raise
        again = hub.discard_if_damaged(folder / _WEIGHTS)
        advice = "; the damaged file was removed, load it again" if again else ""
        raise WeightsError(f"cannot read {label}: {_first_line(error)}{advice}") from error
    return detector(model.to(device), image_processor, tokenizer)


def _load_model(transformers: Any, folder: Path, label: str, config: Any) -> Any:
    """The model, refused when tensors are missing or of other shapes: transformers would make them up."""
    loader, bars = transformers.AutoModelForZeroShotObjectDetection, transformers.utils.logging
    shows = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()  # `progress` says what goes on; a bar would break the status line
    try:
        model, info = loader.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            dtype=torch.float32,
        )
    finally:
        if shows:
            bars.enable_progress_bar()
    wrong = sorted(map(str, (*info["missing_keys"], *info["mismatched_keys"])))
    if wrong:
        raise WeightsError(f"{label} lacks {len(wrong)} tensors of its model, such as {wrong[0]}")
    return model


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__
