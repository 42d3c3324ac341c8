"""Rendered clips with exact ground truth: textured, shaded, deforming things before parallax backdrops."""

from __future__ import annotations

from sam2_demo.datasets.procedural.clips import ProceduralClip, make_scene, render_clip, render_frames
from sam2_demo.datasets.procedural.scene import Scene, render_moment

__all__ = ["ProceduralClip", "Scene", "make_scene", "render_clip", "render_frames", "render_moment"]
