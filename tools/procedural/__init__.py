"""Rendered clips with exact ground truth: textured, shaded, deforming things before parallax backdrops."""

from __future__ import annotations

from tools.procedural.clips import ProceduralClip, make_scene, render_clip, render_frames
from tools.procedural.scene import Scene, render_moment

__all__ = ["ProceduralClip", "Scene", "make_scene", "render_clip", "render_frames", "render_moment"]
