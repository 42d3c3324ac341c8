"""J and F where callers of the library look for them; they are measured in `masks.metrics`."""

from __future__ import annotations

from sam2_demo.masks.metrics import boundary_accuracy, boundary_pixels, region_similarity

__all__ = ["boundary_accuracy", "boundary_pixels", "region_similarity"]
