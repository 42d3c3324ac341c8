"""Starts the demo: flags -> settings -> page. Whatever is not given comes from Gradio's environment variables."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from sam2_demo.engines.model_host import ModelHost
from sam2_demo.engines.network_engine import EngineOptions, load_engine
from sam2_demo.errors import DemoError
from sam2_demo.sessions.opening import stored_kind
from sam2_demo.tracking.memory_rules.catalogue import MEMORY_RULES
from sam2_demo.ui.page import build_page, launch_options
from sam2_demo.ui.settings import AppSettings, Limits
from sam2_demo.ui.studio_server import StudioServer

log = logging.getLogger(__name__)

SECONDS_TO_END = 8.0
SECONDS_TO_TELL = 0.5

EXAMPLES = """examples:
  %(prog)s                                      best model for this computer, http://127.0.0.1:7860
  %(prog)s --model facebook/sam2.1-hiera-tiny   an official model from the Hugging Face Hub
  %(prog)s --model checkpoints/sam2.1_hiera_large.pt --port 8000
"""


def read_arguments(arguments: Sequence[str] | None = None, prog: str | None = None) -> argparse.Namespace:
    """The flags of the command line."""
    limits = Limits()
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Segment anything in images and videos, in the browser.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", default="auto", help="auto, embedded, a Hub id, or a .pt or .safetensors file")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:<index> or mps")
    parser.add_argument("--dtype", default="auto", help="auto, float32 (exact), bfloat16 or float16")
    parser.add_argument(
        "--fast", action="store_true", help="track every other frame, with fewer memories: faster, less faithful"
    )
    parser.add_argument(
        "--input-scale", type=float, default=1.0, metavar="SHARE", help="side of the network's input in clips, as a "
        "share of the model's own (default 1): 0.5 takes about a quarter of the time and sees less",
    )  # fmt: skip
    parser.add_argument(
        "--memory-rule", default="published", choices=MEMORY_RULES, metavar="RULE",
        help=f"what is remembered while tracking: {', '.join(MEMORY_RULES)} (default published)",
    )  # fmt: skip
    parser.add_argument(
        "--compile", action="store_true", help="compile the network first: minutes at the start, for GPUs"
    )
    parser.add_argument("--host", help="address to listen on (else GRADIO_SERVER_NAME, 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (else GRADIO_SERVER_PORT, 7860 or the next free)")
    parser.add_argument("--share", action="store_true", default=None, help="make a public link (else GRADIO_SHARE)")
    parser.add_argument("--data-dir", type=Path, default=Path("sam2_demo_data"), help="where sessions are kept")
    parser.add_argument("--open", type=Path, metavar="FOLDER", help="a session that `sam2-demo track` wrote")
    parser.add_argument("--max-upload-mb", type=int, default=limits.max_upload_mb)
    parser.add_argument("--max-clip-seconds", type=float, default=limits.max_clip_seconds)
    parser.add_argument("--max-sessions", type=int, default=limits.max_sessions, help="clips and pictures open at once")
    parser.add_argument("--idle-minutes", type=float, default=limits.idle_minutes, help="until it leaves memory")
    parser.add_argument("--keep-hours", type=float, default=limits.keep_hours, help="until an unused one is deleted")
    parser.add_argument("--max-stored", type=int, default=limits.max_stored, help="sessions kept on the disk")
    parser.add_argument("--max-stored-per-visitor", type=int, default=limits.max_stored_per_visitor)
    parser.add_argument("--max-gb-per-visitor", type=float, default=limits.max_gb_per_visitor)
    parser.add_argument("--min-free-gb", type=float, default=limits.min_free_gb, help="room on the disk left free")
    return parser.parse_args(arguments)


def make_settings(given: argparse.Namespace) -> AppSettings:
    """Flags as settings; ConfigError for values that cannot be."""
    limits = Limits(
        max_upload_mb=given.max_upload_mb,
        max_clip_seconds=given.max_clip_seconds,
        max_sessions=given.max_sessions,
        idle_minutes=given.idle_minutes,
        keep_hours=given.keep_hours,
        max_stored=given.max_stored,
        max_stored_per_visitor=given.max_stored_per_visitor,
        max_gb_per_visitor=given.max_gb_per_visitor,
        min_free_gb=given.min_free_gb,
    )
    return AppSettings(model=given.model, data_dir=given.data_dir, limits=limits)


def make_engine_options(given: argparse.Namespace) -> EngineOptions:
    """How models are run, from the flags; ConfigError for what cannot work."""
    return EngineOptions(given.device, given.dtype, given.fast, given.compile, given.input_scale, given.memory_rule)


def main(arguments: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Run the demo until it is stopped; 2 when it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    given = read_arguments(arguments, prog)
    try:
        settings = make_settings(given)
        load = partial(load_engine, options=make_engine_options(given))
        server = StudioServer(settings, ModelHost(settings.model, load))
        server.storage.claim()
        opened = given.open and (stored_kind(given.open), server.storage.adopt(given.open))
    except DemoError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    server.start_sweeping()
    demo = build_page(server)
    if opened:
        log.info("%s is open in the page at the address below, with #%s=%s behind it", given.open, *opened)
    signal.signal(signal.SIGTERM, partial(_end, server))
    demo.launch(server_name=given.host, server_port=given.port, share=given.share, **launch_options(server))
    return 0


def _end(server: StudioServer, _signal: int, _frame: object) -> NoReturn:
    """End within SECONDS_TO_END: running tasks stop after their frame, which is stored and told to the page."""
    log.info("asked to end; running tasks are stopped")
    server.stop_tasks()
    server.wait_for_tasks(SECONDS_TO_END)
    time.sleep(SECONDS_TO_TELL)
    # Open pages hold connections and threads that would keep the process for as long as they like.
    os._exit(0)
