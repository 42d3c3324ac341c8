"""Segment Anything in images and videos: SAM 2 in PyTorch with a browser demo, training and evaluation."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sam2_demo.detection.loading import load_detector
    from sam2_demo.tracking.image_predictor import ImagePredictor
    from sam2_demo.tracking.options import TrackingOptions
    from sam2_demo.tracking.video_predictor import VideoPredictor
    from sam2_demo.weights import load_network

__version__ = "0.2.0"

_HOMES = {
    "load_network": "sam2_demo.weights",
    "load_detector": "sam2_demo.detection.loading",
    "ImagePredictor": "sam2_demo.tracking.image_predictor",
    "VideoPredictor": "sam2_demo.tracking.video_predictor",
    "AutomaticMaskGenerator": "sam2_demo.tracking.automatic_masks",
    "TrackingOptions": "sam2_demo.tracking.options",
}

__all__ = [
    "AutomaticMaskGenerator",
    "ImagePredictor",
    "TrackingOptions",
    "VideoPredictor",
    "load_detector",
    "load_network",
]


def __getattr__(name: str) -> Any:
    """The public names, imported on first use: `import sam2_demo` alone loads no torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sam2_demo' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
