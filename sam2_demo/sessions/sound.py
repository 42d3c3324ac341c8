"""The sound of a clip as a file that browsers play, made when it is first asked for."""

from __future__ import annotations

import uuid
from pathlib import Path

import av

from sam2_demo.errors import MediaError
from sam2_demo.video.audio_track import AudioTrack

SOUND_NAME = "sound.m4a"


def sound_file(source: Path) -> Path:
    """The sound of `source` beside it, on the clock of its frames; MediaError where there is none to carry over."""
    target = source.parent / SOUND_NAME
    if target.is_file():
        return target
    part = target.with_name(f".sound-{uuid.uuid4().hex[:8]}.part")
    try:
        with av.open(str(part), "w", format="mp4", options={"movflags": "faststart"}) as output:
            track = AudioTrack(source, output)
            try:
                if not output.streams:
                    raise MediaError("this clip has no sound")
                track.mux_until(None)
            finally:
                track.close()
        part.replace(target)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(f"the sound of this clip cannot be played ({error})") from error
    finally:
        part.unlink(missing_ok=True)
    return target
