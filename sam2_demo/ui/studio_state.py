"""The picture of a session that the page starts from."""

from __future__ import annotations

from typing import Any

import numpy as np

from sam2_demo.masks.masklet import Masklet
from sam2_demo.rendering.palette import color_to_hex, object_color
from sam2_demo.sessions.clip_session import ClipSession, mask_center
from sam2_demo.sessions.painted_files import made_video
from sam2_demo.sessions.picture_session import PictureSession
from sam2_demo.video.frame_reader import FrameReader

PALETTE = [color_to_hex(object_color(position)) for position in range(28)]

AnySession = ClipSession | PictureSession


def session_to_json(session: AnySession) -> dict[str, Any]:
    """Everything but frames and masks, which the page fetches when it shows them."""
    state: dict[str, Any] = {
        "kind": session.kind,
        "token": session.token,
        "palette": PALETTE,
        "objects": session.objects.to_json(),
        "prompts": session.prompts_to_json(),
        "model": session.engine.name,
        "view": session.view,
        "notice": session.notice,
        "clip": {
            "name": session.name,
            "width": session.size[1],
            "height": session.size[0],
            "display_width": session.display[1],
            "display_height": session.display[0],
            "num_frames": 1,
            "frame_rate": 1.0,
            "duration": 0.0,
            "has_audio": False,
        },
    }
    if isinstance(session, ClipSession):
        reader = session.reader
        state["clip"] |= {
            "num_frames": reader.num_frames,
            "frame_rate": float(reader.frame_rate),
            "duration": float(reader.duration),
            "has_audio": bool(reader.has_audio),
            "times": None if has_even_times(reader) else [round(float(time), 4) for time in reader.times],
        }
        state["result"] = made_video(session)
        state["tracks"] = tracks_to_json(session)
    else:
        state["candidates"] = {str(i): session.candidates_to_json(i) for i in session.candidates}
    return state


def has_even_times(reader: FrameReader) -> bool:
    """Whether frame k is shown at k / frame rate, so that the page need not be told every time."""
    even = np.arange(reader.num_frames) / reader.frame_rate
    return bool(np.abs(reader.times - even).max(initial=0.0) < 0.5 / reader.frame_rate)


def tracks_to_json(session: ClipSession) -> dict[str, list[list[Any]]]:
    """Per object and masked frame: [frame, object score, share of the frame, predicted IoU, centre]."""
    pixels = session.size[0] * session.size[1]
    tracks: dict[str, list[list[Any]]] = {}
    for object_id, masklet in session.masklets().items():
        tracks[str(object_id)] = [
            _track_entry(masklet, k, pixels) for k in masklet.frame_indices
        ]
    return tracks


def _track_entry(masklet: Masklet, frame: int, pixels: int) -> list[Any]:
    found = masklet.frame(frame)
    share = round(masklet.area(frame) / pixels, 5)
    return [
        frame,
        round(found.object_score_logits, 2),
        share,
        round(found.iou_prediction, 3),
        mask_center(masklet, frame),
    ]
