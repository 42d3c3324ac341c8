"""The page: a line about the model and a tab each for pictures and clips."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import gradio as gr
from gradio.events import api
from starlette.middleware import Middleware

from sam2_demo.engines.zero_gpu import forgets_memory
from sam2_demo.formats.exchange import FORMATS
from sam2_demo.ui.channel import Channels
from sam2_demo.ui.components import CANVAS_FOLDER, camera, model_bar, studio
from sam2_demo.ui.endpoints import Endpoints
from sam2_demo.ui.examples import VIDEO_SUFFIXES
from sam2_demo.ui.gate import Gate
from sam2_demo.ui.handlers import StudioHandlers
from sam2_demo.ui.health import health_routes
from sam2_demo.ui.mask_routes import MaskRoutes
from sam2_demo.ui.model_loading import ModelLoading
from sam2_demo.ui.routes import StudioRoutes
from sam2_demo.ui.studio_server import StudioServer
from sam2_demo.ui.studio_state import PALETTE

# Files that came by Gradio's own upload route are looked for every so many seconds, and go when they are so old.
UPLOADS_KEPT = (600, 3600)

TITLE = "SAM 2: click on it, follow it"

# Fonts of the reader's own system: nothing is fetched from elsewhere.
FONT = ["system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif"]


def build_page(server: StudioServer) -> gr.Blocks:
    """The Gradio app of a server; launch it with `launch_options`."""
    handlers = StudioHandlers(server)
    config = {
        "palette": PALETTE,
        "limits": asdict(server.settings.limits),
        "suffixes": list(VIDEO_SUFFIXES),
        "default_model": server.models.default,
        "channel": not forgets_memory(),
        "formats": [[own.name, own.title] for own in FORMATS.values()],
    }
    with gr.Blocks(title="SAM 2 demo", analytics_enabled=False, fill_width=True, delete_cache=UPLOADS_KEPT) as page:
        with gr.Row(elem_id="page-head"):
            gr.HTML(f"<h1 class='sam-title'>{TITLE}</h1>", apply_default_css=False, scale=2, min_width=200)
            bar = model_bar(config, scale=3, min_width=280)
        bar.load_model(
            ModelLoading(server.models).load,
            None,
            bar,
            show_progress="hidden",
            concurrency_limit=2,
            api_visibility="private",
        )
        with gr.Tabs(elem_id="pages"):
            for kind, label in (("video", "Video"), ("picture", "Image")):
                with gr.Tab(label, id=kind, render_children=True):
                    _wire(studio(kind, config), handlers)
            if config["channel"]:
                with gr.Tab("Camera", id="camera", render_children=True):
                    camera(config)
        endpoints = Endpoints(server)
        api(endpoints.segment_picture, api_name="segment_picture", concurrency_limit=4)
        api(endpoints.find_alike, api_name="find_alike", concurrency_limit=2)
        api(endpoints.track_clip, api_name="track_clip", concurrency_limit=2)
    return page


def launch_options(server: StudioServer) -> dict[str, Any]:
    """Keyword arguments for `Blocks.launch` that the page relies on."""
    channels = Channels(server, StudioHandlers(server))
    return {
        "run_history": False,
        "ssr_mode": False,
        "css_paths": sorted(CANVAS_FOLDER.glob("*.css")),
        "footer_links": ["api", "gradio", "settings"],
        "app_kwargs": {
            "routes": StudioRoutes(server).all() + MaskRoutes(server).all() + health_routes(server) + channels.routes(),
            "middleware": [Middleware(Gate, max_upload_bytes=server.settings.limits.max_upload_mb * 1_000_000)],
        },
        "theme": gr.themes.Default(
            primary_hue="blue", neutral_hue="slate", font=FONT, font_mono=["ui-monospace", "monospace"]
        ),
        "show_error": True,
    }


def _wire(component: gr.HTML, handlers: StudioHandlers) -> None:
    """Long tasks hold a place in the queue of their own, so that clicks never wait behind them."""
    quick = {"show_progress": "hidden", "trigger_mode": "multiple", "api_visibility": "private"}
    for event, work, places in (
        ("prompt", handlers.prompt, 8),
        ("command", handlers.command, 16),
        ("preview", handlers.preview, 8),
        ("alternatives", handlers.alternatives, 8),
        ("stop", handlers.stop, 16),
        ("track", handlers.track, 8),
        ("make_video", handlers.make_video, 4),
        ("make_masks", handlers.make_masks, 4),
        ("find_everything", handlers.find_everything, 4),
        ("reference", handlers.reference, 8),
    ):
        getattr(component, event)(work, None, component, concurrency_limit=places, **quick)
