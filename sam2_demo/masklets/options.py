"""What automatic masklets may be told: grid, thresholds, how often to look again, sizes and limits."""

from __future__ import annotations

from dataclasses import dataclass

from sam2_demo.errors import ConfigError


@dataclass(frozen=True)
class MaskletOptions:
    """How masklets are found and which of them stay.

    points_per_side, crop_layers, pred_iou_thresh, stability_thresh: of everything mode on a single frame;
    find_every: everything mode runs again every so many frames on what no masklet covers; 0: on the first frame only,
        as in SA-V;
    annotation_step: every n-th frame is written (SA-V: 4);
    min_area: masks with fewer pixels start no masklet;
    min_region_area: parts with fewer pixels are removed and holes filled in every mask (paper: 200); the largest
        part of an object stays whatever its size;
    duplicate_iou: above this IoU two masks of a frame, and two masklets over their frames, are one;
    min_uncovered: what share of a mask found later must be covered by no masklet, in [0, 1];
    masklet_stability_thresh: masklets whose mean stability lies below are dropped;
    min_visible_frames: masklets that are seen on fewer written frames are dropped, unless fewer were tracked;
    stability_offset: how far the logits' threshold moves up and down for the stability score;
    max_objects: at most so many masklets are tracked, of each frame the best first.
    """

    points_per_side: int = 32
    crop_layers: int = 0
    pred_iou_thresh: float = 0.8
    stability_thresh: float = 0.95
    find_every: int = 24
    annotation_step: int = 4
    min_area: int = 200
    min_region_area: int = 200
    duplicate_iou: float = 0.7
    min_uncovered: float = 0.5
    masklet_stability_thresh: float = 0.9
    min_visible_frames: int = 2
    stability_offset: float = 1.0
    max_objects: int = 64

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        for name in ("points_per_side", "annotation_step", "max_objects", "min_area", "min_visible_frames"):
            self._require(name, getattr(self, name) >= 1, "1 or more")
        for name in ("find_every", "min_region_area"):
            self._require(name, getattr(self, name) >= 0, "0 or more")
        for name in ("pred_iou_thresh", "stability_thresh", "min_uncovered", "masklet_stability_thresh"):
            self._require(name, 0 <= getattr(self, name) <= 1, "0 to 1")
        self._require("duplicate_iou", 0 < self.duplicate_iou <= 1, "above 0, up to 1")
        self._require("stability_offset", self.stability_offset > 0, "numbers above 0")
        self._require("crop_layers", 0 <= self.crop_layers <= 4, "0 to 4")

    def _require(self, name: str, holds: bool, accepted: str) -> None:
        if not holds:
            raise ConfigError(f"{name} is {getattr(self, name)}; accepted: {accepted}")


# The embedded model's own scores are lower than those that the published thresholds are made for. Chosen by looking at
# what they leave on the first frames of three clips; `python -m sam2_demo.masklets CLIPS --survey` counts for others.
_EMBEDDED = {"pred_iou_thresh": 0.5, "stability_thresh": 0.7, "masklet_stability_thresh": 0.5}


def preset(is_embedded: bool) -> MaskletOptions:
    """The options that suit a network: the published ones, with lower thresholds for the embedded one."""
    return MaskletOptions(**_EMBEDDED) if is_embedded else MaskletOptions()  # type: ignore[arg-type]
