"""The page's two own components: the studio (canvas, timeline, objects) and the line about the model.

Their templates are static; scripts are ES modules served by `routes` and loaded on mount.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import gradio as gr

CANVAS_FOLDER = Path(__file__).resolve().parent / "canvas"


def files_version() -> str:
    """Changes whenever a script or style changes, so that browsers may keep them for ever."""
    digest = hashlib.sha256()
    for path in sorted(CANVAS_FOLDER.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(CANVAS_FOLDER).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _boot(module: str) -> str:
    """Loads a module and hands the component over to it. Event names must stand quoted here for Gradio."""
    text = (CANVAS_FOLDER / "app/boot.js").read_text()
    return text.replace("VERSION", files_version()).replace("MODULE", module)


def studio(kind: str, config: dict[str, Any]) -> gr.HTML:
    """A picture or a clip with everything that can be done to it; `kind` is "video" or "picture"."""
    return _component("app/studio.js", {"kind": kind, **config}, f"{kind}-studio")


def camera(config: dict[str, Any]) -> gr.HTML:
    """A camera's live pictures."""
    return _component("camera/camera_page.js", config, "camera-studio")


def model_bar(config: dict[str, Any], **layout: Any) -> gr.HTML:
    """Which model is in use, and the choice of another one."""
    return _component("app/model_bar.js", config, "model-bar", **layout)


def _component(module: str, config: dict[str, Any], elem_id: str, **layout: Any) -> gr.HTML:
    # Plain gr.HTML rather than a subclass: for every subclass Gradio writes a .pyi file beside the source.
    return gr.HTML(
        value={"seq": 0, "config": config},
        html_template='<div class="sam-root"></div>',
        js_on_load=_boot(module),
        apply_default_css=False,
        elem_id=elem_id,
        **layout,
    )
