"""The picture of a session that the page starts from."""

from __future__ import annotations

from typing import Any

from sam2_demo.rendering.palette import color_to_hex, object_color
from sam2_demo.sessions.painted_files import made_video
from sam2_demo.sessions.session import Session

PALETTE = [color_to_hex(object_color(position)) for position in range(28)]


def session_to_json(session: Session) -> dict[str, Any]:
    """Everything but frames and masks, which the page fetches when it shows them."""
    details = session.details_to_json()
    clip = {
        "name": session.name,
        "width": session.size[1],
        "height": session.size[0],
        "display_width": session.display[1],
        "display_height": session.display[0],
    }
    return details | {
        "kind": session.kind,
        "token": session.token,
        "palette": PALETTE,
        "objects": session.objects.to_json(),
        "prompts": session.prompts_to_json(),
        "model": session.engine.name,
        "view": session.view,
        "notice": session.notice,
        "clip": clip | details["clip"],
        "result": made_video(session),
    }
