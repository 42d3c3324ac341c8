"""The sound of a clip as a file that browsers play, made when it is first asked for."""

from __future__ import annotations

from pathlib import Path

import av

from sam2_demo.errors import MediaError
from sam2_demo.resuming import replacing
from sam2_demo.video.audio_track import AudioTrack

SOUND_NAME = "sound.m4a"


def sound_file(source: Path) -> Path:
    """The sound of `source` beside it, on the clock of its frames; MediaError where there is none to carry over."""
    target = source.parent / SOUND_NAME
    if target.is_file():
        return target
    try:
        with (
            replacing(target, several_writers=True) as beside,
            av.open(str(beside), "w", format="mp4", options={"movflags": "faststart"}) as output,
        ):
            track = AudioTrack(source, output)
            try:
                if not output.streams:
                    raise MediaError("this clip has no sound")
                track.mux_until(None)
            finally:
                track.close()
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(f"the sound of this clip cannot be played ({error})") from error
    return target
