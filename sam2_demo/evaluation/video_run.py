"""`evaluation vos` and `evaluation score`: clips with ground truth, any number of models, into a run folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sam2_demo.datasets.annotated_clip import AnnotatedClip, AnnotatedClips
from sam2_demo.datasets.davis import DavisClips
from sam2_demo.datasets.sa_v import SaVClips
from sam2_demo.errors import ConfigError, DatasetError
from sam2_demo.evaluation import confidence, plots, results, scoring
from sam2_demo.evaluation.contestants import ClipPredictor
from sam2_demo.evaluation.identity import model_identities, predictions_identity
from sam2_demo.evaluation.pictures import save_errors
from sam2_demo.evaluation.report import Report, write_report
from sam2_demo.evaluation.rows import Model
from sam2_demo.evaluation.run_folder import Log, RunFolder
from sam2_demo.evaluation.scoring import ObjectScores, ScoringRules
from sam2_demo.evaluation.video_protocol import PROMPT_CLICKS, track_clip
from sam2_demo.formats import davis, sa_v
from sam2_demo.formats.annotation import ClipAnnotation, from_masklets
from sam2_demo.formats.files import frame_files
from sam2_demo.masks.masklet import Masklet

LAYOUTS = ("davis", "sav")


@dataclass(frozen=True)
class ClipData:
    """Clips on disk: where, in which layout, which of them."""

    root: Path
    layout: str = "davis"
    split: str | None = None
    sequences: tuple[str, ...] = ()
    limit: int | None = None

    def open(self) -> AnnotatedClips[AnnotatedClip]:
        """The clips of the layout; ConfigError for an unknown one."""
        if self.layout not in LAYOUTS:
            raise ConfigError(f"layout is {self.layout!r}; accepted: {', '.join(LAYOUTS)}")
        return DavisClips(self.root, self.split) if self.layout == "davis" else SaVClips(self.root, self.split)

    def names(self, clips: AnnotatedClips[AnnotatedClip]) -> list[str]:
        """The clips to take; DatasetError for a name that is not there."""
        unknown = sorted(set(self.sequences) - set(clips.names))
        if unknown:
            raise DatasetError(f"{self.root} has no clips named {', '.join(unknown)}; it has {', '.join(clips.names)}")
        return (list(self.sequences) or clips.names)[: self.limit]

    @property
    def rules(self) -> ScoringRules:
        """The scoring rules that go with the layout."""
        return scoring.DAVIS_RULES if self.layout == "davis" else scoring.SA_V_RULES

    def settings(self) -> dict[str, Any]:
        """What must be equal for a run to be resumed."""
        return {
            "data": str(self.root.resolve()),
            "layout": self.layout,
            "split": self.split,
            "sequences": list(self.sequences),
            "limit": self.limit,
        }


def run_vos(data: ClipData, prompt: str, models: list[Model], out: Path, log: Log) -> dict[str, Any]:
    """Track every clip with every model and write the results; returns what results.json holds.

    ConfigError, before any model runs, for a baseline that cannot track from this prompt.
    """
    for model in models:
        model.check_clips(with_clicks=prompt in PROMPT_CLICKS)
    clips = data.open()
    names = data.names(clips)
    fill_holes = any(model.fill_holes for model in models)
    settings = {"protocol": "vos", "prompt": prompt, "fill_holes": fill_holes} | data.settings()
    folder = RunFolder(out, settings, model_identities(models))
    records = {}
    for model in models:
        evaluate = _Tracking(folder, model, clips, data, prompt)
        records[model.name] = folder.evaluate(model.name, names, evaluate, log)
    title = f"Semi-supervised video segmentation, prompt: {prompt}"
    return write_clip_results(folder, records, title)


def run_score(data: ClipData, predictions: list[Path], out: Path, log: Log) -> dict[str, Any]:
    """Compare saved predictions, one folder per row, with ground truth; no model is loaded."""
    clips = data.open()
    names = data.names(clips)
    rows = {path.name: path for path in predictions}
    if len(rows) < len(predictions):
        raise ConfigError(f"prediction folders need different names, got {[path.name for path in predictions]}")
    where = [str(path.resolve()) for path in predictions]
    identities = {name: predictions_identity(place, names) for name, place in rows.items()}
    folder = RunFolder(out, {"protocol": "score", "predictions": where} | data.settings(), identities)
    records = {}
    for name, place in rows.items():

        def evaluate(unit: str, name: str = name, place: Path = place) -> dict[str, Any]:
            clip = clips.clip(unit)
            return clip_record(folder, name, clip, read_prediction(place, clip, data.layout), data.rules)

        records[name] = folder.evaluate(name, names, evaluate, log)
    return write_clip_results(folder, records, "Saved predictions against ground truth")


class _Tracking:
    """Tracks and scores clips by name with one model, which is loaded when the first clip needs it."""

    def __init__(
        self, folder: RunFolder, model: Model, clips: AnnotatedClips[AnnotatedClip], data: ClipData, prompt: str
    ) -> None:
        self._folder, self._model, self._clips, self._data, self._prompt = folder, model, clips, data, prompt
        self._predictor: ClipPredictor | None = None

    def __call__(self, name: str) -> dict[str, Any]:
        self._predictor = self._predictor or self._model.clip_predictor()
        clip = self._clips.clip(name)
        masklets = track_clip(self._predictor, clip, self._prompt, exclusive=self._data.layout == "davis")
        write_prediction(self._folder.fresh_predictions(self._model.name, name), clip, masklets, self._data.layout)
        record = clip_record(self._folder, self._model.name, clip, masklets, self._data.rules)
        if self._model.kind == "network":
            scores = scoring.from_record(record["objects"])
            record["confidence"] = confidence.of_clip(clip, masklets, scores)
        return record


def write_prediction(folder: Path, clip: AnnotatedClip, masklets: Mapping[int, Masklet], layout: str) -> None:
    """Save predicted masklets in the layout of the data, for `score` and for other evaluators.

    Nothing is written for a clip without objects.
    """
    if not masklets:
        return
    value = from_masklets(masklets.values(), len(clip.frame_paths), name=clip.name)
    value.extra = {"sa_v_folders": clip.truth.extra.get("sa_v_folders", {})}
    (davis if layout == "davis" else sa_v).write(value, folder, frame_names=clip.frame_names)


def read_prediction(root: Path, clip: AnnotatedClip, layout: str) -> dict[int, Masklet]:
    """A clip's saved prediction; objects that an indexed PNG never shows are predicted empty.

    A clip without objects needs none.
    """
    if not clip.truth.masklets:
        return {}
    folder = root / clip.name
    if not folder.is_dir():
        raise DatasetError(f"{folder} does not exist; predictions are expected in one folder per clip, as ground truth")
    value = (davis if layout == "davis" else sa_v).read(folder, clip.frame_names)
    if (value.height, value.width) != (clip.truth.height, clip.truth.width):
        raise DatasetError(
            f"{folder} holds masks of {value.height} x {value.width} pixels (height x width), "
            f"ground truth has {clip.truth.height} x {clip.truth.width}"
        )
    if layout == "davis":
        _complete_davis(value, clip, folder)
    else:
        _check_sa_v(value, clip, folder)
    return value.masklets


def _complete_davis(value: ClipAnnotation, clip: AnnotatedClip, folder: Path) -> None:
    """Check that every annotated frame has its PNG, and add empty masks for objects that none of them shows."""
    files = {path.stem for path in frame_files(folder)}
    missing = [clip.frame_names[i] for i in clip.truth.annotated_frames if clip.frame_names[i] not in files]
    if missing:
        raise DatasetError(f"{folder / missing[0]}.png does not exist; {len(missing)} annotated frame(s) lack theirs")
    empty = np.zeros((value.height, value.width), np.bool_)
    for object_id in set(clip.truth.object_ids) - set(value.masklets):
        for frame in clip.truth.annotated_frames:
            value.masklet(object_id).set(frame, empty, -10.0, 0.0)


def _check_sa_v(value: ClipAnnotation, clip: AnnotatedClip, folder: Path) -> None:
    """Check that every PNG is there that SA-V's evaluator reads: of all annotated frames but the first and the last."""
    for object_id, truth in clip.truth.masklets.items():
        predicted = value.masklets.get(object_id)
        if predicted is None:
            continue
        missing = [clip.frame_names[frame] for frame in truth.frame_indices[1:-1] if frame not in predicted]
        if missing:
            place = folder / value.extra["sa_v_folders"][object_id]
            raise DatasetError(
                f"{place / missing[0]}.png does not exist; {len(missing)} annotated frame(s) lack theirs"
            )


def clip_record(
    folder: RunFolder, model: str, clip: AnnotatedClip, masklets: Mapping[int, Masklet], rules: ScoringRules
) -> dict[str, Any]:
    """The record of a clip: scores per object and frame, their mean, and the picture of the worst frame.

    Where no frame counts, the score is None and "unscored" says why.
    """
    scores = scoring.score_clip(clip, masklets, rules)
    record: dict[str, Any] = {"objects": scoring.to_record(scores)}
    if not scores:
        return record | {"score": None, "unscored": _why_unscored(clip)}
    record["score"] = scoring.mean_of([own.summary for own in scores.values()])["J&F"]
    object_id = min(scores, key=lambda i: (scores[i].summary["J&F"], i))
    own = scores[object_id]
    place = int(np.argmin(own.both))
    frame = own.frames[place]
    path = folder.picture(model, clip.name)
    save_errors(clip.frame(frame), masklets[object_id].mask(frame), clip.truth.masklets[object_id].mask(frame), path)
    worst = {"object": str(object_id), "what": f"frame {clip.frame_names[frame]}", "score": own.both[place]}
    return record | {"picture": str(path.relative_to(folder.out)), "worst": worst}


def _why_unscored(clip: AnnotatedClip) -> str:
    if all(clip.first_visible(object_id) is None for object_id in clip.truth.object_ids):
        return "no annotated frame shows an object"
    return "the first and the last annotated frame do not count, and no other shows an object"


def unscored_notes(folder: RunFolder, records: Mapping[str, Mapping[str, dict[str, Any]]]) -> list[str]:
    """What a report says of clips without a score; DatasetError when there are no others."""
    told = {name: own["unscored"] for units in records.values() for name, own in units.items() if "unscored" in own}
    named = ", ".join(f"{name} ({reason})" for name, reason in told.items())
    if not any(own["objects"] for units in records.values() for own in units.values()):
        raise DatasetError(f"{folder.settings['data']} has no clip to score: {named or 'none has a frame that counts'}")
    return [f"Not scored: {named}."] if told else []


def write_clip_results(
    folder: RunFolder, records: Mapping[str, Mapping[str, dict[str, Any]]], title: str
) -> dict[str, Any]:
    """results.json, results.csv, plots and report.html of clips; returns what results.json holds."""
    notes = ["J&F, J and F in percent: means over the objects of all clips.", *unscored_notes(folder, records)]
    scores = {
        model: {clip: scoring.from_record(record["objects"]) for clip, record in own.items()}
        for model, own in records.items()
    }
    per_model = {
        model: scoring.summarize(own) | confidence.summarize(records[model].values()) for model, own in scores.items()
    }
    notes += confidence.notes(per_model)
    content = results.write_results(folder.out, per_model, folder.settings)
    results.write_csv(results.video_rows(per_model), folder.out / "results.csv")
    series = {
        model: {clip: own["J&F"] for clip, own in result["per_sequence"].items()} for model, result in per_model.items()
    }
    plots.bars(series, "J&F by clip", "J&F (%)", folder.out / "plots" / "per_sequence.png")
    over_time = {model: _over_time(own) for model, own in scores.items()}
    plots.curves(over_time, "J&F over the clip", "position in the clip (%)", folder.out / "plots" / "over_time.png")
    header, rows = header_and_rows(per_model)
    report = Report(title, header, rows, ["plots/per_sequence.png", "plots/over_time.png"], notes)
    write_report(folder.out, report, records)
    return content


def header_and_rows(per_model: Mapping[str, dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """The table of J&F, J and F in percent."""
    rows = [
        [name, *(f"{100 * result[key]:.1f}" for key in ("J&F", "J", "F")), str(result["num_objects"])]
        for name, result in per_model.items()
    ]
    return ["model", "J&F", "J", "F", "objects"], rows


def _over_time(clips: Mapping[str, Mapping[int, ObjectScores]], parts: int = 10) -> tuple[list[float], list[float]]:
    """Mean J&F in each tenth of the clips; tenths without a frame are left out."""
    sums: dict[int, list[float]] = {}
    for objects in clips.values():
        for own in objects.values():
            length = max(own.frames) + 1
            for frame, value in zip(own.frames, own.both, strict=True):
                sums.setdefault(parts * frame // length, []).append(value)
    return [(part + 0.5) * 100 / parts for part in sorted(sums)], [float(np.mean(sums[p])) for p in sorted(sums)]
