"""Everything in a clip as masklets: found on the first frame and every N frames, tracked, cleaned, filtered.

Source: SAM 2's appendix on automatic masklets (grid on the first frame; parts and holes below 200 pixels removed) and
the published SA-V files. There every mask has a stability score, which is 1 for an empty mask. Here, as in
everything mode, it is the IoU of the mask's logits cut at +offset and at -offset; a masklet's own score is the mean
over the frames where it is visible. On the frame where it was found a mask has everything mode's score, because its
logits in the tracker are those of a given mask and say nothing.

Memory does not grow with the clip but for the result: frames and embeddings are dropped as tracking goes on, every
object keeps the memories that tracking reads, and only the run lengths of annotated frames are collected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.masklets.options import MaskletOptions
from sam2_demo.masklets.selection import Candidate, TrackedMasklet, covered_area, keep_good, new_candidates
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.regions import without_small_regions
from sam2_demo.masks.run_lengths import Rle, decode_rle, encode_rle
from sam2_demo.tracking.automatic_masks import AutomaticMaskGenerator, AutomaticMaskOptions, MaskRecord
from sam2_demo.tracking.clip_tracker import ClipTracker
from sam2_demo.tracking.frame_result import FrameResult
from sam2_demo.tracking.mask_selection import mask_stability
from sam2_demo.tracking.pixels import Rgb
from sam2_demo.tracking.video_predictor import VideoPredictor
from sam2_demo.video import FrameReader, VideoSource, open_video

_CROP_POINTS_DOWNSCALE = 4  # 32, then 8 and 2 points per side on crops; the paper takes 32, 4 and 2
_RECENT_MEMORIES = 16  # what tracking in one direction reads; older ones are never asked for


Step = Literal["finding", "tracking", "tracking back"]


@dataclass(frozen=True)
class Progress:
    """How far a clip is: `num_done` of `num_frames` frames, `num_objects` tracked, what goes on now."""

    num_done: int
    num_frames: int
    num_objects: int
    step: Step


OnProgress = Callable[[Progress], None]
Generate = Callable[[Rgb], list[MaskRecord]]


def find_masklets(
    predictor: VideoPredictor,
    frames: VideoSource,
    options: MaskletOptions | None = None,
    on_progress: OnProgress | None = None,
    generate: Generate | None = None,
) -> ClipAnnotation:
    """The masklets of everything in a clip, numbered from 0 in the order in which they were found.

    frames: a video file, a folder of pictures, (H, W, 3) uint8 arrays, or a reader, which stays open.
    on_progress: called after every frame; what it raises ends the work. generate: replaces everything mode, takes
    (H, W, 3) uint8 and returns records.
    Masks are held for every `annotation_step`-th frame; `extra` has what SA-V's JSON needs: "stability" {object id:
    {frame index: score}}, "masklet_type" {object id: "auto"}. `formats.sa_v.write` writes it.
    """
    options = options or MaskletOptions()
    tracking = replace(predictor.options, recent_memories=_RECENT_MEMORIES, exclusive_masks=False)
    predictor = VideoPredictor(predictor.network, tracking)
    generate = (
        generate
        or AutomaticMaskGenerator(
            predictor.network, mask_options(options), closer_look=predictor.options.looks_closer(predictor.network)
        ).generate
    )
    reader = open_video(frames)
    try:
        found = _Finder(predictor, reader, options, generate, on_progress or _ignore_progress).run()
    finally:
        if reader is not frames:
            reader.close()
    return _as_annotation(keep_good(found, options), reader, options.annotation_step)


def mask_options(options: MaskletOptions) -> AutomaticMaskOptions:
    """The options of everything mode on one frame."""
    return AutomaticMaskOptions(
        points_per_side=options.points_per_side,
        pred_iou_thresh=options.pred_iou_thresh,
        stability_score_thresh=options.stability_thresh,
        stability_score_offset=options.stability_offset,
        crop_n_layers=options.crop_layers,
        crop_n_points_downscale_factor=_CROP_POINTS_DOWNSCALE,
        min_mask_region_area=options.min_region_area,
        output_mode="coco_rle",
    )


def _ignore_progress(progress: Progress) -> None:
    """What happens with progress that nobody watches."""


class _Finder:
    """One clip on its way; `tracked` are all masklets so far by their id in the session."""

    def __init__(
        self,
        predictor: VideoPredictor,
        reader: FrameReader,
        options: MaskletOptions,
        generate: Generate,
        on_progress: OnProgress,
    ) -> None:
        self.predictor = predictor
        self.reader = reader
        self.options = options
        self.generate = generate
        self.on_progress = on_progress
        self.session = predictor.open(reader)
        self.tracked: dict[int, TrackedMasklet] = {}
        self.current: dict[int, Rle] = {}
        self.num_done = 0

    def run(self) -> list[TrackedMasklet]:
        """Find, then track to the next frame on which to look; over and over to the end."""
        last = self.reader.num_frames - 1
        step = self.options.find_every or self.reader.num_frames
        try:
            for key in range(0, self.reader.num_frames, step):
                self._report("finding")
                new = self._find(key)
                self._track_back(new, key, max(key - step + 1, 0))
                self._track(key + 1, min(key + step, last))
        finally:
            self.session.reset()
        return list(self.tracked.values())

    def _find(self, frame_index: int) -> dict[int, Candidate]:
        """New objects on a frame, by id, as mask prompts of the session."""
        covering = list(self.current.values())
        room = self.options.max_objects - len(self.tracked)
        pixels = self.reader.height * self.reader.width
        if room <= 0 or pixels - covered_area(covering) < self.options.min_area:
            return {}
        records = self.generate(self.reader.read(frame_index))
        self.num_done = max(self.num_done, frame_index + 1)
        first = len(self.tracked)
        new = dict(enumerate(new_candidates(records, covering, self.options, room), start=first))
        for object_id, candidate in new.items():
            self.session.add_prompt(frame_index, object_id, mask=decode_rle(candidate.rle))
            self.tracked[object_id] = TrackedMasklet(Masklet(object_id, self.reader.height, self.reader.width))
            if self._is_annotated(frame_index):
                self.tracked[object_id].masklet.set_rle(frame_index, candidate.rle)
                self.tracked[object_id].stability[frame_index] = candidate.stability
        self._forget(self.session, frame_index)
        return new

    def _track(self, first: int, last: int) -> None:
        if not self.tracked or first > last:
            return
        for result in self.session.propagate(first, "forward", last):
            self.current = self._collect(result, is_needed=result.frame_index == last)
            self._forget(self.session, result.frame_index)
            self.num_done = result.frame_index + 1
            self._report("tracking")

    def _track_back(self, new: dict[int, Candidate], key: int, first: int) -> None:
        """Objects found late are followed back to the frame after the last one on which all were looked for."""
        if not new or first >= key:
            return
        session = self.predictor.open(self.reader)
        try:
            for object_id, candidate in new.items():
                session.add_prompt(key, object_id, mask=decode_rle(candidate.rle))
            for result in session.propagate(key, "backward", first):
                if result.frame_index != key:
                    self._collect(result, is_needed=False)
                self._forget(session, result.frame_index)
                self._report("tracking back")
        finally:
            session.reset()

    def _collect(self, result: FrameResult, is_needed: bool) -> dict[int, Rle]:
        """Clean masks of a frame, stored when it is annotated; nothing is computed where nobody needs them."""
        frame_index = result.frame_index
        if not (is_needed or self._is_annotated(frame_index)):
            return {}
        codes = {}
        for object_id in result.object_ids:
            mask, _ = without_small_regions(result.masks[object_id], self.options.min_region_area)
            codes[object_id] = encode_rle(mask)
            if self._is_annotated(frame_index):
                one = self.tracked[object_id]
                scores = result.object_score_logits[object_id], result.iou_predictions[object_id]
                one.masklet.set_rle(frame_index, codes[object_id], *scores)
                logits = result.mask_logits[object_id]
                one.stability[frame_index] = (
                    mask_stability(logits, self.options.stability_offset) if mask.any() else 1.0
                )
        return codes

    def _is_annotated(self, frame_index: int) -> bool:
        return frame_index % self.options.annotation_step == 0

    def _forget(self, session: ClipTracker, frame_index: int) -> None:
        """The session's own copy of a frame's masks, which would grow with the clip."""
        for masklet in session.masklets.values():
            masklet.discard(frame_index)

    def _report(self, step: Step) -> None:
        self.on_progress(Progress(self.num_done, self.reader.num_frames, len(self.tracked), step))


def _as_annotation(found: list[TrackedMasklet], reader: FrameReader, annotation_step: int) -> ClipAnnotation:
    clip = ClipAnnotation.of_clip(reader)
    # Frames before an object was found have an empty mask in SA-V, and empty masks a score of 1.
    annotated = range(0, reader.num_frames, annotation_step)
    clip.extra = {"stability": {}, "masklet_type": {}, "sa_v": {"annotation_step": annotation_step}}
    for object_id, one in enumerate(found):
        for frame_index in one.masklet:
            stored = one.masklet.frame(frame_index)
            clip.masklet(object_id).set_rle(
                frame_index, one.masklet.rle(frame_index), stored.object_score_logits, stored.iou_prediction
            )
        clip.extra["stability"][object_id] = {frame: one.stability.get(frame, 1.0) for frame in annotated}
        clip.extra["masklet_type"][object_id] = "auto"
    return clip.check()
