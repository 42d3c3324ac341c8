"""Many clips one after the other: which are left to do, how long it will take, what went wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sam2_demo.errors import DatasetError, MediaError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.masklets.clips import Clip
from sam2_demo.masklets.finding import OnProgress, Progress
from sam2_demo.masklets.output_folder import OutputFolder
from sam2_demo.video import FrameReader, open_video

Find = Callable[[FrameReader, OnProgress], ClipAnnotation]


class Display(Protocol):
    """Who is told how the run goes."""

    def line(self, text: str) -> None: ...  # something to keep
    def status(self, text: str) -> None: ...  # something the next one replaces


@dataclass
class BatchResult:
    """Names of the clips, by what became of them; `failed` with the reason."""

    done: list[str] = field(default_factory=list)
    done_before: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass
class Clock:
    """Time left, from the frames done so far in this run and those still to do."""

    num_frames: int
    now: Callable[[], float] = time.monotonic
    num_done: int = 0

    def __post_init__(self) -> None:
        """The clock starts when it is made."""
        self._began = self.now()

    def left(self, num_done_of_clip: int) -> str:
        """As 0:01:30; empty while nothing is done."""
        done = self.num_done + num_done_of_clip
        if not done:
            return ""
        return as_time((self.now() - self._began) / done * (self.num_frames - done))


def as_time(seconds: float) -> str:
    """Hours, minutes and seconds, as 0:01:30."""
    whole = round(max(seconds, 0.0))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def run_batch(
    clips: Sequence[Clip], folder: OutputFolder, make_find: Callable[[], Find], display: Display
) -> BatchResult:
    """Write the masklets of all clips that are not done; one that cannot be read does not stop the others.

    `make_find` loads the network, and is called only when there is something to do.
    """
    result = BatchResult()
    waiting = _waiting(clips, folder, result, display)
    if not waiting:
        return result
    find = make_find()
    clock = Clock(sum(num_frames for _, num_frames in waiting))
    for position, (clip, num_frames) in enumerate(waiting, start=1):
        head = f"clip {position}/{len(waiting)} {clip.name}"
        try:
            count = _write_masklets(clip, folder, find, _reporter(head, clock, display))
        except (MediaError, DatasetError) as error:
            result.failed[clip.name] = str(error)
            display.line(f"{head}: failed: {error}")
        else:
            result.done.append(clip.name)
            hint = "" if count else " (lower thresholds find more)"
            display.line(f"{head}: {count} masklets{hint}, {folder.path(clip)}")
        clock.num_done += num_frames
    return result


def _waiting(
    clips: Sequence[Clip], folder: OutputFolder, result: BatchResult, display: Display
) -> list[tuple[Clip, int]]:
    """Clips to do with their number of frames; the rest goes into the result."""
    waiting = []
    for clip in clips:
        try:
            with open_video(clip.path) as reader:
                if folder.is_done(clip, reader):
                    result.done_before.append(clip.name)
                    display.line(f"{clip.name}: done before, {folder.path(clip)}")
                else:
                    if reader.notice:
                        display.line(f"{clip.name}: {reader.notice}")
                    waiting.append((clip, reader.num_frames))
        except (MediaError, DatasetError) as error:
            result.failed[clip.name] = str(error)
            display.line(f"{clip.name}: failed: {error}")
    return waiting


def _write_masklets(clip: Clip, folder: OutputFolder, find: Find, on_progress: OnProgress) -> int:
    with open_video(clip.path) as reader:
        annotation = find(reader, on_progress)
    folder.write(clip, annotation)
    return len(annotation.masklets)


def _reporter(head: str, clock: Clock, display: Display) -> OnProgress:
    def report(progress: Progress) -> None:
        left = clock.left(progress.num_done)
        frames = f"frame {progress.num_done}/{progress.num_frames}"
        parts = [frames, f"{progress.num_objects} objects", progress.step, *([f"{left} left"] if left else [])]
        display.status(f"{head}: {', '.join(parts)}")

    return report
