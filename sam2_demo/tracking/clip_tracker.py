"""One clip being worked on: prompts in, masks out, tracking in both directions (SAM 2 sections 3 and 4).

Every frame that a person prompted is a conditioning frame, also when it had been tracked before, so that a
correction survives the next tracking run.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from sam2_demo.device import give_back_memory
from sam2_demo.errors import PromptError
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.overlaps import resolve_overlaps
from sam2_demo.network.inference import for_inference
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.after_cuts import shot_of
from sam2_demo.tracking.between_frames import in_strides, record_between
from sam2_demo.tracking.clip_view import ClipView
from sam2_demo.tracking.direction import Direction, frames_in_order, within_shot
from sam2_demo.tracking.embedding_cache import EmbeddingCache
from sam2_demo.tracking.followed_objects import ObjectFollower, Reading, Taken
from sam2_demo.tracking.frame_records import FrameRecords
from sam2_demo.tracking.frame_result import FrameResult
from sam2_demo.tracking.frame_step import FrameOutput
from sam2_demo.tracking.memory_bank import MemoryBank, stack_selections
from sam2_demo.tracking.object_track import ObjectTrack
from sam2_demo.tracking.options import TrackingOptions
from sam2_demo.tracking.pixels import Rgb
from sam2_demo.tracking.prompts import Points, Prompts, read_object_id, read_prompts
from sam2_demo.tracking.saved_state import SavedFrame, fill_track, saved_frame
from sam2_demo.tracking.speed.batching import objects_at_once
from sam2_demo.tracking.speed.frames_ahead import FramesAhead
from sam2_demo.video import FrameReader
from sam2_demo.video.cuts import find_cuts

_FRAMES_BETWEEN_TRIMS = 50  # freed memory in pieces that nobody asks for adds up to some 0.8 MiB a frame


class ClipTracker:
    """Made by `VideoPredictor.open`; frames are decoded and encoded when they are needed."""

    def __init__(
        self, network: Sam2Network, frames: FrameReader, options: TrackingOptions, embeddings: EmbeddingCache
    ) -> None:
        self.network = for_inference(network)
        self.frames = frames
        self.options = options
        self._view = ClipView(self.network, frames, options, embeddings)
        self._follower = ObjectFollower(self.network, self._view, frames.num_frames, options)
        self._tracks: dict[int, ObjectTrack] = {}
        self._lock = threading.RLock()
        self._num_tracked = 0
        self._is_released = False
        self._cuts: list[int] | None = None

    @property
    def num_frames(self) -> int:
        """How many frames the clip has."""
        return self.frames.num_frames

    @property
    def frame_rate(self) -> float:
        """Frames per second (the mean, where the rate varies)."""
        return self.frames.frame_rate

    @property
    def height(self) -> int:
        """Height of the frames in pixels."""
        return self.frames.height

    @property
    def width(self) -> int:
        """Width of the frames in pixels."""
        return self.frames.width

    @property
    def input_size(self) -> int:
        """Side of the network's input in pixels."""
        return self._view.input_size

    @property
    def cuts(self) -> list[int]:
        """The frames with which shots begin, the clip's first left out; found, and set, when first asked for."""
        if self._cuts is None:
            self._cuts = find_cuts(self.frames)
        return self._cuts

    @cuts.setter
    def cuts(self, frames: Sequence[int]) -> None:
        """Take cuts as given; PromptError for a frame outside the clip."""
        self._cuts = sorted(self._check_frame_index(frame) for frame in frames)

    @property
    def object_ids(self) -> list[int]:
        """Ids of the objects, in the order in which they were added."""
        return list(self._tracks)

    @property
    def masklets(self) -> dict[int, Masklet]:
        """The masklets so far, by object id."""
        return {object_id: track.masklet for object_id, track in self._tracks.items()}

    def prompts(self, object_id: int) -> dict[int, Prompts]:
        """The prompts of an object by frame index; PromptError for an unknown object."""
        return dict(self._require_track(object_id).prompts)

    def read_frame(self, frame_index: int) -> Rgb:
        """The frame as (H, W, 3) uint8 RGB; PromptError for an index outside the clip."""
        return self.frames.read(self._check_frame_index(frame_index))

    @torch.inference_mode()
    def add_prompt(
        self,
        frame_index: int,
        object_id: int,
        points: Points | None = None,
        point_labels: Sequence[int] | None = None,
        box: Sequence[float] | None = None,
        mask: NDArray[np.generic] | None = None,
        clear_previous: bool = True,
    ) -> FrameResult:
        """Prompt one object on one frame and see its mask there; an unknown id makes a new object.

        points (N, 2) xy and box (x0, y0, x1, y1) in pixels of the frame, labels (N,) 1 positive, 0 negative;
        mask (H, W) bool or numbers, inside where not zero, never negative (of logits, give `logits > 0`); alone it
        becomes the frame's mask as it is, and together with clicks it is refined by them.
        Places up to a pixel outside are moved to the rim; ids may be numpy's, and are plain ints in what comes back.
        `clear_previous` replaces the prompts this object has on this frame; otherwise they are joined.
        Clicks also refine the mask that the frame already has. PromptError for anything out of range.
        """
        frame_index = self._check_frame_index(frame_index)
        object_id = read_object_id(object_id)
        prompts = read_prompts(points, point_labels, box, mask, (self.height, self.width))
        if not prompts.num_points and prompts.mask is None:
            raise PromptError("no prompt was given: click at least one point, draw a box or give a mask")
        with self._lock:
            track = self._tracks.get(object_id) or self._new_track(object_id)
            if not clear_previous and frame_index in track.prompts:
                prompts = track.prompts[frame_index].then(prompts)
            output = self._answer(track, frame_index, prompts)
            # The object is entered last: a prompt that fails leaves no empty object behind.
            self._tracks[object_id] = track
            track.set_prompted(frame_index, prompts, replace(Taken.of(output).record(0), is_prompted=True))
            return self._show(frame_index, store=(object_id,))

    def _answer(self, track: ObjectTrack, frame_index: int, prompts: Prompts) -> FrameOutput:
        memory = None
        # A frame that was tracked is corrected with what is remembered; a fresh one is seen without memory.
        if frame_index in track.tracked and track.bank.conditioning and prompts.num_points:
            selection = self._follower.select_again(track, frame_index, track.tracked[frame_index])
            memory = stack_selections(self.network, [selection])
        return self._view.answer(frame_index, prompts, track.records.get(frame_index), memory)

    def propagate(
        self,
        start_frame_index: int | None = None,
        direction: Direction = "forward",
        end_frame_index: int | None = None,
        object_ids: Collection[int] | None = None,
    ) -> Iterator[FrameResult]:
        """Track prompted objects (`object_ids`, None: all) through the clip, one result per frame; stop by closing
        the iterator.

        Starts, unless told, at the earliest prompted frame (the latest for "backward") and runs to the clip's
        end or to `end_frame_index`, included. "both" runs forward to the end, then backward from the start.
        Frames with prompts keep their masks. PromptError at once when nothing was prompted or an index is
        outside the clip.
        """
        chosen = self._tracks if object_ids is None else {i: self._require_track(i) for i in object_ids}
        tracks = [track for track in chosen.values() if track.prompts]
        if not tracks:
            raise PromptError("nothing to track: give at least one object a click, a box or a mask first")
        if direction not in get_args(Direction):
            raise PromptError(f"direction is {direction!r}; accepted: {', '.join(get_args(Direction))}")
        prompted = [frame for track in tracks for frame in track.prompts]
        if start_frame_index is None:
            start_frame_index = max(prompted) if direction == "backward" else min(prompted)
        start_frame_index = self._check_frame_index(start_frame_index)
        if end_frame_index is not None:
            end_frame_index = self._check_frame_index(end_frame_index)
        plan = frames_in_order(start_frame_index, end_frame_index, direction, self.num_frames)
        if self.options.at_cuts != "track_on":
            self._follower.cuts = self.cuts
        if self.options.at_cuts == "stop":
            plan = within_shot(plan, shot_of(start_frame_index, self.cuts, self.num_frames))
        return self._propagate(plan, None if object_ids is None else set(chosen))

    @torch.inference_mode()
    def _propagate(self, plan: list[tuple[range, bool]], object_ids: set[int] | None) -> Iterator[FrameResult]:
        with self._lock:
            for track in self._tracks.values():
                track.commit_pending()
            order = [group[-1] for frames, _ in plan for group in self._in_strides(frames)]
        with FramesAhead(self._view, order) as ahead:
            for frames, backward in plan:
                last, groups = frames.start, self._in_strides(frames)
                while (group := self._next_group(groups)) and not self._is_released:
                    passed_over, tracked = group[:-1], group[-1]
                    with self._lock:
                        self._forget_tracked(passed_over, object_ids)
                        self._view.ahead = ahead.take
                        try:
                            result = self._track_frame(tracked, backward, object_ids, ahead)
                        finally:
                            self._view.ahead = None
                    self._trim()
                    for frame in passed_over:
                        with self._lock:
                            between = self._interpolate(frame, (last, tracked), backward, object_ids)
                        yield between
                    yield result
                    last = tracked

    def _trim(self) -> None:
        self._num_tracked += 1
        if self._num_tracked % _FRAMES_BETWEEN_TRIMS == 0:
            give_back_memory()

    def _in_strides(self, frames: range) -> Iterator[list[int]]:
        def is_prompted(frame_index: int) -> bool:
            return any(frame_index in track.prompts for track in self._tracks.values())

        return in_strides(frames, self.options.frame_stride, is_prompted)

    def _next_group(self, groups: Iterator[list[int]]) -> list[int]:
        with self._lock:
            return next(groups, [])

    def _forget_tracked(self, frames: Sequence[int], object_ids: set[int] | None) -> None:
        """Let no frame behind these attend to what an earlier run left there."""
        for _, track in self._followed(object_ids):
            for frame in frames:
                track.forget_tracked(frame)

    def _followed(self, object_ids: set[int] | None) -> list[tuple[int, ObjectTrack]]:
        """The objects that a run follows: those of `object_ids` (None: all) that have a memory of a prompted frame."""
        return [
            (object_id, track)
            for object_id, track in self._tracks.items()
            if track.bank.conditioning and (object_ids is None or object_id in object_ids)
        ]

    def _track_frame(
        self, frame_index: int, backward: bool, object_ids: set[int] | None, ahead: FramesAhead
    ) -> FrameResult:
        waiting: dict[tuple[object, ...], list[Reading]] = {}
        anew = []
        for object_id, track in self._followed(object_ids):
            track.tracked[frame_index] = backward
            if frame_index not in track.bank.conditioning and frame_index not in track.pending:
                for reading in self._follower.follow(track, frame_index, backward).readings:
                    waiting.setdefault(reading.selection.shape, []).append(reading)
                anew.append(object_id)
        if waiting:
            embedding = self._view.embed(frame_index)
            step = self.options.objects_per_batch or objects_at_once(self.network)
            groups = list(waiting.values())
            if ahead.is_encoding():  # beside one object; the others are faster as a batch on all cores
                first, groups[0] = groups[0][:1], groups[0][1:]
                ahead.do_beside(lambda: self._follower.step(embedding, first))
            for group in groups:
                for start in range(0, len(group), step):
                    self._follower.step(embedding, group[start : start + step])
        return self._show(frame_index, store=anew)

    def _interpolate(
        self, frame_index: int, neighbours: tuple[int, int], backward: bool, object_ids: set[int] | None
    ) -> FrameResult:
        """The frame's masks from those of the tracked frames on both sides."""
        share = (frame_index - neighbours[0]) / (neighbours[1] - neighbours[0])
        made = []
        for object_id, track in self._followed(object_ids):
            before, after = (track.records.get(neighbour) for neighbour in neighbours)
            if before is not None and after is not None and frame_index not in track.prompts:
                track.set_interpolated(frame_index, record_between(before, after, share), backward)
                made.append(object_id)
        return replace(self._show(frame_index, store=made), is_between=True)

    def clear_prompts(self, frame_index: int, object_id: int) -> FrameResult:
        """Take away what an object was given on a frame; a mask it had from tracking comes back."""
        frame_index = self._check_frame_index(frame_index)
        with self._lock:
            self._require_track(object_id).clear_prompts(frame_index)
            return self._show(frame_index, store=(object_id,))

    def remove_object(self, object_id: int) -> None:
        """Remove an object with its prompts and masks; the others stay as they are."""
        with self._lock:
            self._require_track(object_id).records.close()
            del self._tracks[object_id]

    def fade(self, newest: int, reach: int, most_prompted: int) -> None:
        """Forget of all objects what a stream can do without (`ObjectTrack.fade`)."""
        with self._lock:
            for track in self._tracks.values():
                track.fade(newest, reach, most_prompted)

    def reset(self) -> None:
        """Remove all objects; the clip stays open."""
        with self._lock:
            for object_id in self.object_ids:
                self.remove_object(object_id)

    def release(self) -> None:
        """Remove all objects and forget the embeddings; runs end, the clip stays open, for another session perhaps."""
        self.reset()
        self._view.forget()
        self._is_released = True

    def close(self) -> None:
        """As `release`, and close the clip."""
        self.release()
        self.frames.close()

    def result(self, frame_index: int) -> FrameResult:
        """What is known of a frame, without computing anything new."""
        with self._lock, torch.inference_mode():
            return self._show(self._check_frame_index(frame_index))

    def save_frame(self, object_id: int, frame_index: int) -> SavedFrame | None:
        """What is held of an object on a frame, as plain values; None where nothing is."""
        track = self._tracks.get(object_id)
        return None if track is None else saved_frame(track, frame_index)

    def restore_object(
        self, object_id: int, prompts: Mapping[int, Mapping[str, Any]], frames: Iterable[SavedFrame]
    ) -> None:
        """Put an object back: `prompts` are arguments of `add_prompt` by frame, `frames` what was saved.

        An object of that id is replaced. PromptError for prompts that do not suit the clip.
        """
        track = self._new_track(object_id)
        with self._lock, torch.inference_mode():
            fill_track(track, prompts, frames, self.network.device, self.input_size // 4)
            self._tracks[object_id] = track
            track.commit_pending()

    def _new_track(self, object_id: int) -> ObjectTrack:
        capacity = self.options.recent_memories
        return ObjectTrack(
            masklet=Masklet(object_id, self.height, self.width),
            records=FrameRecords(capacity, self.network.device),
            bank=MemoryBank(capacity),
            encode_memory=self._view.encode_memory,
        )

    def _show(self, frame_index: int, store: Collection[int] = ()) -> FrameResult:
        """The frame's result for all objects; the masklets of those in `store` take over what is shown.

        Others' must not: older records are kept coarsely, and their masks would change by some pixels.
        """
        records = {i: r for i, t in self._tracks.items() if (r := t.records.get(frame_index)) is not None}
        logits = {i: self._view.upscale(r.low_res_logits) for i, r in records.items()}
        shown = {i: self._view.clean(r.low_res_logits, logits[i]) for i, r in records.items()}
        shown = self._view.at_edges(frame_index, shown)
        cleaned = {i: self._tracks[i].settled(frame_index, values) for i, values in shown.items()}
        masks = {object_id: values > 0 for object_id, values in cleaned.items()}
        for object_id, mask in masks.items():
            if object_id in store:
                record = records[object_id]
                masklet = self._tracks[object_id].masklet
                masklet.set(frame_index, mask, record.object_score_logits, record.iou_prediction)
        return FrameResult(
            frame_index=frame_index,
            object_ids=list(records),
            masks=resolve_overlaps(cleaned) if self.options.exclusive_masks else masks,
            mask_logits=logits,
            object_score_logits={i: r.object_score_logits for i, r in records.items()},
            iou_predictions={i: r.iou_prediction for i, r in records.items()},
        )

    def _check_frame_index(self, frame_index: int) -> int:
        is_index = isinstance(frame_index, (int, np.integer)) and not isinstance(frame_index, bool)
        if not is_index or not 0 <= frame_index < self.num_frames:
            raise PromptError(
                f"frame index {frame_index!r} is outside the clip; it has {self.num_frames} frames, "
                f"accepted: 0 to {self.num_frames - 1}"
            )
        return int(frame_index)

    def _require_track(self, object_id: int) -> ObjectTrack:
        if object_id not in self._tracks:
            known = ", ".join(map(str, self._tracks)) or "none yet"
            raise PromptError(f"there is no object with id {object_id!r}; known ids: {known}")
        return self._tracks[object_id]
