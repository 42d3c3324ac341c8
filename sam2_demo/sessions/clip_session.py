"""A clip on the server: prompts go in, masks of single frames and of whole tracks come out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from sam2_demo.engines.engine import Engine
from sam2_demo.errors import PromptError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.masks.display import DISPLAY_LIMIT_VIDEO, display_size, encode_mask
from sam2_demo.masks.masklet import Masklet
from sam2_demo.sessions.clip_facts import facts_to_json, reader_to_json, tracks_to_json
from sam2_demo.sessions.frame_store import FrameStore
from sam2_demo.sessions.prompt_set import PromptSet
from sam2_demo.sessions.restored_masks import restore_masks
from sam2_demo.sessions.session import MODEL_FILE, Session
from sam2_demo.sessions.shown_masks import ShownMasks
from sam2_demo.sessions.still_view import StillView
from sam2_demo.sessions.track_plan import Need, Run, Span, plan_runs, touched_range
from sam2_demo.tracking.clip_tracker import ClipTracker
from sam2_demo.tracking.direction import Direction
from sam2_demo.tracking.prompts import read_prompts
from sam2_demo.video.frame_reader import FrameReader

DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


@dataclass(frozen=True)
class TrackStep:
    """One tracked frame: its masks in wire form, how many frames are done, and the time left in seconds."""

    frame_index: int
    done: int
    total: int
    seconds_left: float
    masks: dict[str, dict[str, Any]]


class ClipSession(Session):
    """One clip, its tracker and its frames."""

    kind = "video"

    def __init__(
        self, token: str, source: Path, name: str, engine: Engine, reader: FrameReader, max_objects: int
    ) -> None:
        super().__init__(token, name, source.parent, engine, max_objects)
        self.source = source
        self.reader = reader
        self.size = (reader.height, reader.width)
        self.display = display_size(self.size, DISPLAY_LIMIT_VIDEO)
        self.frames = FrameStore(reader, self.display)
        self.stale: dict[int, set[int]] = {}
        self.shown = ShownMasks(self.stored)
        self._tracker: ClipTracker | None = None
        self._still_view: StillView | None = None

    @property
    def num_frames(self) -> int:
        """How many frames the clip has."""
        return self.reader.num_frames

    def as_clip(self) -> ClipSession:
        """This session."""
        return self

    def pixels(self, frame: int) -> NDArray[np.uint8]:
        """A frame as (H, W, 3) RGB; PromptError for one that does not exist."""
        self._check_frame(frame)
        return self.reader.read(frame)

    def jpeg(self, frame: int) -> bytes:
        """A frame as JPEG at display size."""
        return self.frames.jpeg(frame)

    def empty_annotation(self, name: str) -> ClipAnnotation:
        """An annotation of the clip, with its times, that holds no masks yet."""
        return ClipAnnotation.of_clip(self.reader, name)

    def details_to_json(self) -> dict[str, Any]:
        """The clip's length and times, and its tracks."""
        return {"clip": reader_to_json(self.reader), "tracks": tracks_to_json(self.masklets())}

    def tracker(self) -> ClipTracker:
        """The model's view of the clip, opened on first use."""
        if self._tracker is None:
            with self.engine.lock:
                self._tracker = self.engine.open_video(self.reader)
        return self._tracker

    def use_engine(self, engine: Engine) -> None:
        """Go on with another model: prompts are given to it again, tracks of the old one are dropped. Where a prompt
        fails, nothing changes."""
        with self.task():
            if engine is self.engine:
                return
            old_tracker = self._tracker
            before = self.engine, old_tracker, self._still_view
            self.engine, self._tracker, self._still_view = engine, None, None
            try:
                self._prompt_again()
            except BaseException:
                self._release_tracker()
                self.engine, self._tracker, self._still_view = before
                raise
            if old_tracker is not None:
                old_tracker.release()
            with self.stored.masklets_anew(MODEL_FILE), self.change():
                self._store_prompted()
                self._keep_masks_of_this_model()

    def restore_made_with(self, model: str | None) -> None:
        """As `restore`; another model cannot go on from the masks that are stored, so it answers the prompts, and the
        masks are put aside until something is changed."""
        if model in (None, self.engine.name):
            super().restore_made_with(model)
            return
        self.stored.put_masklets_aside()
        self.restore()
        self._prompt_again()
        self._store_prompted()
        self.notice = (
            f"{self.notice} This session was made with {model}, which this server does not have now. Its prompts are "
            f"kept; press Track to follow them with {self.engine.name}. Until you change something, its masks come "
            f"back when the session is opened with {model} again."
        ).strip()

    def _prompt_again(self) -> None:
        for (frame, object_id), prompt in self.prompts.items():
            self._give(frame, object_id, prompt)

    def _store_prompted(self) -> None:
        self.stale.clear()
        for frame, object_id in self.prompts:
            self._touch(frame, object_id)
            self._store(object_id, frame)

    def _keep_masks_of_this_model(self) -> None:
        """From now on the session's masks are those of its present model, not what was put aside."""
        self.note_model()
        self.stored.drop_masklets_aside()

    def prompt(self, frame: int, object_id: int, prompt: PromptSet) -> dict[str, dict[str, Any]]:
        """Replace all that was said about an object on a frame; returns the frame's masks in wire form."""
        self._check_frame(frame)
        self.objects.get(object_id)
        with self.task():
            prompt = self._behind(frame, object_id, prompt)
            self._keep_masks_of_this_model()
            earlier = self.prompts.get((frame, object_id))
            if not prompt.is_empty():
                self._give(frame, object_id, prompt, earlier)
            elif earlier is not None:
                tracker = self.tracker()
                with self.engine.lock:
                    tracker.clear_prompts(frame, object_id)
            if not prompt.is_empty() or earlier is not None:
                self._keep_prompt(frame, object_id, prompt)
        return self.masks_at(frame)

    def _keep_prompt(self, frame: int, object_id: int, prompt: PromptSet) -> None:
        """Store a prompt that was answered: a new one before its frame, one that is taken back behind it, so that
        opening after a kill between finds a prompt which it can answer again."""
        with self.change():
            if prompt.is_empty():
                del self.prompts[frame, object_id]
                self._store(object_id, frame)
                self._touch(frame, object_id)
                self.stored.append_prompt(frame, object_id, prompt)
            else:
                self.prompts[frame, object_id] = prompt
                self.stored.append_prompt(frame, object_id, prompt)
                self._touch(frame, object_id)
                self._store(object_id, frame)

    def track(
        self, start: int | None, direction: str, end: int | None = None, afresh: bool = False
    ) -> Iterator[TrackStep]:
        """Follow the prompted objects where they are not tracked yet or prompts changed; `afresh`: everywhere.

        Without `start`, the whole clip for "both", else from the first prompted frame. Ends early, keeping what is
        done, when `cancel` is set.
        """
        if not self.prompts:
            raise PromptError("nothing to track yet: click on an object first")
        if direction not in DIRECTIONS:
            raise PromptError(f"direction {direction!r} is not one of {', '.join(DIRECTIONS)}")
        if start is None and direction != "both":
            start = min(frame for frame, _ in self.prompts)
        for frame in (start, end):
            self._check_frame(frame or 0)
        with self.task(wait=False):
            self.cancel.clear()
            self._keep_masks_of_this_model()
            runs = plan_runs(self._needs(afresh), Span.of(start, direction, end, self.num_frames))
            total, done, began = sum(len(run) for run in runs), 0, time.monotonic()
            for run in runs:
                for frame, masks in self._follow(run):
                    done += 1
                    left = (time.monotonic() - began) / done * (total - done)
                    yield TrackStep(frame, done, total, left, masks)

    def _follow(self, run: Run) -> Iterator[tuple[int, dict[str, dict[str, Any]]]]:
        """Track one run; each frame is stored before it is told of, and no frame that is tracked remains untold."""
        way: Direction = "backward" if run.backward else "forward"
        steps = self.tracker().propagate(run.start, way, run.end, object_ids=run.object_ids)
        is_between = False
        while is_between or not self.cancel.is_set():
            with self.engine.lock:
                step = next(steps, None)
            if step is None:
                return
            frame, is_between = step.frame_index, step.is_between
            with self.change():
                for object_id in run.object_ids:
                    self._store(object_id, frame)
                    self.stale.get(object_id, set()).discard(frame)
            yield frame, self.masks_at(frame, step.masks)

    def _needs(self, afresh: bool) -> dict[int, Need]:
        """What each prompted object lacks; frames that were never reached count as well as stale ones."""
        clip = range(self.num_frames)
        needs: dict[int, Need] = {}
        for object_id, masklet in self.masklets().items():
            prompted = self.prompted_frames(object_id)
            if not prompted:
                continue
            if afresh:
                self._make_stale(object_id, 0, clip[-1])
            stale = self.stale.get(object_id, set())
            needs[object_id] = Need([f for f in clip if f in stale or f not in masklet], prompted)
        return needs

    def prompted_frames(self, object_id: int) -> list[int]:
        """The frames on which something was said about an object."""
        return sorted(frame for frame, owner in self.prompts if owner == object_id)

    def _touch(self, frame: int, object_id: int) -> None:
        others = [other for other in self.prompted_frames(object_id) if other != frame]
        self._make_stale(object_id, *touched_range(frame, others, self.num_frames))

    def _make_stale(self, object_id: int, first: int, last: int) -> None:
        self.stale.setdefault(object_id, set()).update(range(first, last + 1))
        self.stored.append_stale(object_id, first, last)

    def alternatives(self, frame: int, prompt: PromptSet) -> list[dict[str, Any]]:
        """Up to three masks that a single click may mean, best first; changes nothing."""
        self._check_frame(frame)
        if not prompt.points and prompt.box is None:
            raise PromptError("only clicks and boxes have other meanings; give at least one")
        found = self._still().ask(
            frame, points=list(prompt.points) or None, point_labels=list(prompt.labels) or None, box=prompt.box
        )
        return [{"counts": encode_mask(m, self.display), "iou": iou, "area": float(m.mean())} for m, iou in found]

    def preview(self, frame: int, x: float, y: float) -> str:
        """Run lengths at display size of what a click at (x, y) would select; changes nothing."""
        self._check_frame(frame)
        return encode_mask(self._still().ask(frame, points=[(x, y)], point_labels=[1])[0][0], self.display)

    def masks_at(self, frame: int, known: Mapping[int, NDArray[np.bool_]] | None = None) -> dict[str, dict[str, Any]]:
        """The masks of a frame by object id (as text): run lengths at display size, share of the frame, scores.

        `known`: masks of the frame without overlaps, where the model has just made them.
        """
        masklets = {i: m for i, m in self.masklets().items() if frame in m}
        if known is not None and len(masklets) > 1:
            self.shown.masks(frame, masklets, lambda: known)  # to be shown again as the model has just settled it
        exclusive = self.exclusive_masks(frame)
        return {str(i): self._wire(masklet, frame, exclusive.get(i)) for i, masklet in masklets.items()}

    def shown_masks(self, frame: int) -> dict[int, NDArray[np.bool_]]:
        """The (H, W) masks of the visible objects on a frame, overlaps settled as the view says."""
        masklets, exclusive = self.masklets(), self.exclusive_masks(frame)
        present = [i for i in self.objects.visible_ids() if i in masklets and frame in masklets[i]]
        return {i: exclusive[i] if i in exclusive else masklets[i].mask(frame) for i in present}

    def exclusive_masks(self, frame: int) -> Mapping[int, NDArray[np.bool_]]:
        """The masks of a frame without overlaps; none where there is one object, or where the view shows both."""
        masklets = {i: m for i, m in self.masklets().items() if frame in m}
        if len(masklets) < 2 or self.view.get("overlap") == "both" or self._tracker is None:
            return {}
        return self.shown.masks(frame, masklets, lambda: self._settled_by_model(frame))

    def _settled_by_model(self, frame: int) -> Mapping[int, NDArray[np.bool_]]:
        with self.engine.lock:
            return {} if self._tracker is None else self._tracker.result(frame).masks

    def stability_scores(self, frame: int) -> Mapping[int, float]:
        """How stable the masks of a frame are, by object id, in [0, 1]."""
        if self._tracker is None:
            return {}
        with self.engine.lock:
            return self._tracker.result(frame).stability_scores()

    def masklets(self) -> dict[int, Masklet]:
        """The masklets of all objects, by object id."""
        if self._tracker is None:
            return {}
        return {i: m for i, m in self._tracker.masklets.items() if i in self.objects}

    def remove_object(self, object_id: int) -> None:
        """Remove an object with its prompts and masks; the others stay as they are."""
        self.objects.get(object_id)
        with self.task():
            self._keep_masks_of_this_model()
            with self.change():
                self._forget_prompts(object_id)
                self.objects.remove(object_id)
                self.stored.write_objects(self.objects.to_json())
            if self._tracker is not None and object_id in self._tracker.masklets:
                with self.engine.lock:
                    self._tracker.remove_object(object_id)
            self.stale.pop(object_id, None)
            self.stored.drop_masklet(object_id)

    def reset(self) -> None:
        """Forget every object, prompt and mask; the clip stays."""
        with self.task():
            self._keep_masks_of_this_model()
            with self.change():
                for info in self.objects:
                    self._forget_prompts(info.object_id)
                    self.objects.remove(info.object_id)
                self.stored.write_objects([])
            self.stale.clear()
            if self._tracker is not None:
                with self.engine.lock:
                    self._tracker.reset()
            self.stored.drop_masklets()

    def _store(self, object_id: int, frame: int) -> None:
        saved = self.tracker().save_frame(object_id, frame)
        self.stored.append_frame(object_id, frame, saved, self.prompts.get((frame, object_id)))

    def _restore_masks(self, earlier: Mapping[tuple[int, int], list[PromptSet]]) -> None:
        restore_masks(self, earlier)

    def answer_again(self, frame: int, object_id: int, before: PromptSet | None) -> None:
        """Answer the prompt in force of a place whose frame answers the one `before` it, or none."""
        self._give(frame, object_id, self.prompts[frame, object_id], before)
        self._touch(frame, object_id)
        self._store(object_id, frame)

    def _forget(self) -> None:
        self._release_tracker()
        self.prompts.clear()
        self.stale.clear()

    def _still(self) -> StillView:
        if self._still_view is None:
            self._still_view = StillView(self.engine, self.reader)
        return self._still_view

    def _give(self, frame: int, object_id: int, prompt: PromptSet, earlier: PromptSet | None = None) -> None:
        """Have a prompt answered; what is not `earlier` with more clicks is answered as if made anew, click by click,
        because each answer starts from the mask before it."""
        tracker = self.tracker()
        # A prompt that fails must not take the earlier one away.
        read_prompts(**prompt.as_arguments(self.display, self.size), size=self.size)
        with self.engine.lock:
            if earlier is not None and not prompt.extends(earlier):
                tracker.clear_prompts(frame, object_id)
            for step in prompt.steps(earlier):
                arguments = step.as_arguments(self.display, self.size)
                tracker.add_prompt(frame, object_id, clear_previous=True, **arguments)

    def _wire(self, masklet: Masklet, frame: int, exclusive: NDArray[np.bool_] | None) -> dict[str, Any]:
        if exclusive is not None:
            counts = encode_mask(exclusive, self.display)
        elif self.display == self.size:
            counts = masklet.frame(frame).counts
        else:
            counts = encode_mask(masklet.mask(frame), self.display)
        return {"counts": counts} | facts_to_json(masklet, frame)

    def _release_tracker(self) -> None:
        if self._tracker is not None:
            self._tracker.release()
        self._tracker = None
        self._still_view = None

    def _release(self) -> None:
        self._release_tracker()
        self.stale.clear()
        self.frames.close()
