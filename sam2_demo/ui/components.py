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
    for path in sorted(CANVAS_FOLDER.iterdir()):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _boot(module: str) -> str:
    """Loads a module and hands the component over to it. Event names must stand quoted here for Gradio."""
    text = (CANVAS_FOLDER / "boot.js").read_text()
    return text.replace("VERSION", files_version()).replace("MODULE", module)


class Studio(gr.HTML):
    """A picture or a clip with everything that can be done to it; `kind` is "video" or "picture"."""

    def __init__(self, kind: str, config: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(
            value={"seq": 0, "config": {"kind": kind, **config}},
            html_template='<div class="sam-root"></div>',
            js_on_load=_boot("studio.js"),
            apply_default_css=False,
            **kwargs,
        )

    def api_info(self) -> dict[str, Any]:
        """The component's value is a plain object."""
        return {"type": "object"}

    def get_block_name(self) -> str:
        """Drawn by the same front end as its parent class."""
        return "html"


class ModelBar(gr.HTML):
    """Which model is in use, and the choice of another one."""

    def __init__(self, config: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(
            value={"seq": 0, "config": config},
            html_template='<div class="sam-root"></div>',
            js_on_load=_boot("model_bar.js"),
            apply_default_css=False,
            **kwargs,
        )

    def api_info(self) -> dict[str, Any]:
        """The component's value is a plain object."""
        return {"type": "object"}

    def get_block_name(self) -> str:
        """Drawn by the same front end as its parent class."""
        return "html"
