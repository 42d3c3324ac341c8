"""The picture of a workspace that the page starts from."""

from __future__ import annotations

from typing import Any

import numpy as np

from sam2_demo.rendering.palette import color_to_hex, object_color
from sam2_demo.sessions.picture_workspace import PictureWorkspace
from sam2_demo.sessions.video_workspace import VideoWorkspace, mask_center
from sam2_demo.tracking.masklet import Masklet
from sam2_demo.ui.exports import made_video
from sam2_demo.video.frame_reader import FrameReader

PALETTE = [color_to_hex(object_color(position)) for position in range(28)]

AnyWorkspace = VideoWorkspace | PictureWorkspace


def workspace_to_json(workspace: AnyWorkspace) -> dict[str, Any]:
    """Everything but frames and masks, which the page fetches when it shows them."""
    state: dict[str, Any] = {
        "kind": workspace.kind,
        "token": workspace.token,
        "palette": PALETTE,
        "objects": workspace.objects.to_json(),
        "prompts": workspace.prompts_to_json(),
        "model": workspace.engine.name,
        "view": workspace.view,
        "notice": workspace.notice,
        "clip": {
            "name": workspace.name,
            "width": workspace.size[1],
            "height": workspace.size[0],
            "display_width": workspace.display[1],
            "display_height": workspace.display[0],
            "num_frames": 1,
            "frame_rate": 1.0,
            "duration": 0.0,
            "has_audio": False,
        },
    }
    if isinstance(workspace, VideoWorkspace):
        reader = workspace.reader
        state["clip"] |= {
            "num_frames": reader.num_frames,
            "frame_rate": float(reader.frame_rate),
            "duration": float(reader.duration),
            "has_audio": bool(reader.has_audio),
            "times": None if has_even_times(reader) else [round(float(time), 4) for time in reader.times],
        }
        state["result"] = made_video(workspace)
        state["tracks"] = tracks_to_json(workspace)
    else:
        state["candidates"] = {str(i): workspace.candidates_to_json(i) for i in workspace.candidates}
    return state


def has_even_times(reader: FrameReader) -> bool:
    """Whether frame k is shown at k / frame rate, so that the page need not be told every time."""
    even = np.arange(reader.num_frames) / reader.frame_rate
    return bool(np.abs(reader.times - even).max(initial=0.0) < 0.5 / reader.frame_rate)


def tracks_to_json(workspace: VideoWorkspace) -> dict[str, list[list[Any]]]:
    """Per object and masked frame: [frame, object score, share of the frame, predicted IoU, centre]."""
    pixels = workspace.size[0] * workspace.size[1]
    tracks: dict[str, list[list[Any]]] = {}
    for object_id, masklet in workspace.masklets().items():
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
