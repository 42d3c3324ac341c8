"""`evaluation interactive`: J&F against the number of clicked frames, any number of models, into a run folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sam2_demo.datasets.annotated_clip import AnnotatedClip, AnnotatedClips
from sam2_demo.evaluation import plots, results, scoring
from sam2_demo.evaluation.contestants import ClipPredictor
from sam2_demo.evaluation.identity import model_identities
from sam2_demo.evaluation.interactive_protocol import InteractiveProtocol, interact
from sam2_demo.evaluation.report import Report, write_report
from sam2_demo.evaluation.results import Row
from sam2_demo.evaluation.rows import Model
from sam2_demo.evaluation.run_folder import Log, RunFolder
from sam2_demo.evaluation.video_run import ClipData, clip_record, unscored_notes, write_prediction


def run(data: ClipData, protocol: InteractiveProtocol, models: list[Model], out: Path, log: Log) -> dict[str, Any]:
    """Work on every clip with every model and write the results; returns what results.json holds.

    ConfigError, before any model runs, for a baseline that takes no clicks.
    """
    for model in models:
        model.check_clips(with_clicks=True)
    clips = data.open()
    names = data.names(clips)
    settings = {
        "protocol": "interactive",
        "mode": protocol.mode,
        "frames": protocol.frames,
        "clicks": protocol.clicks,
        "threshold": protocol.threshold,
        "fill_holes": any(model.fill_holes for model in models),
    }
    folder = RunFolder(out, settings | data.settings(), model_identities(models))
    records = {}
    for model in models:
        evaluate = _Interaction(folder, model, clips, data, protocol)
        records[model.name] = folder.evaluate(model.name, names, evaluate, log)
    return _write(folder, records, protocol)


class _Interaction:
    """Works on clips by name with one model, which is loaded when the first clip needs it."""

    def __init__(
        self,
        folder: RunFolder,
        model: Model,
        clips: AnnotatedClips[AnnotatedClip],
        data: ClipData,
        protocol: InteractiveProtocol,
    ) -> None:
        self._folder, self._model, self._clips, self._data, self._protocol = folder, model, clips, data, protocol
        self._predictor: ClipPredictor | None = None

    def __call__(self, name: str) -> dict[str, Any]:
        self._predictor = self._predictor or self._model.clip_predictor()
        clip = self._clips.clip(name)
        rounds = interact(self._predictor, clip, self._protocol)
        target = self._folder.fresh_predictions(self._model.name, name)
        write_prediction(target, clip, rounds.masklets[-1], self._data.layout)
        record = clip_record(self._folder, self._model.name, clip, rounds.masklets[-1], scoring.EVERY_FRAME)
        scores = [scoring.score_clip(clip, masklets, scoring.EVERY_FRAME) for masklets in rounds.masklets]
        record["rounds"] = [{str(i): own.summary for i, own in by_object.items()} for by_object in scores]
        record["clicked"] = {str(object_id): frames for object_id, frames in sorted(rounds.clicked.items())}
        if record["score"] is not None:
            record["score"] = float(
                np.mean([scoring.mean_of([own.summary for own in by_object.values()])["J&F"] for by_object in scores])
            )
        return record


def summarize(records: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """{"J&F", "J", "F": means over the rounds, "curve": J&F by clicked frames, "per_sequence", "num_objects"}."""
    per_sequence = {name: _over_rounds(record["rounds"]) for name, record in records.items() if record["rounds"][0]}
    count = max((len(record["rounds"]) for record in records.values()), default=0)
    pooled = [
        {f"{name}/{i}": own for name, record in records.items() for i, own in record["rounds"][number].items()}
        for number in range(count)
    ]
    return _over_rounds(pooled) | {"num_objects": len(pooled[0]) if pooled else 0, "per_sequence": per_sequence}


def _over_rounds(rounds: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Objects are averaged within a round, then rounds."""
    means = [scoring.mean_of(list(by_object.values())) for by_object in rounds]
    return scoring.mean_of(means) | {"curve": [own["J&F"] for own in means]}


def _write(
    folder: RunFolder, records: Mapping[str, Mapping[str, dict[str, Any]]], protocol: InteractiveProtocol
) -> dict[str, Any]:
    unscored = unscored_notes(folder, records)
    per_model = {model: summarize(own) for model, own in records.items()}
    content = results.write_results(folder.out, per_model, folder.settings)
    results.write_csv(_rows(records), folder.out / "results.csv")
    series = {model: (list(range(1, len(own["curve"]) + 1)), list(own["curve"])) for model, own in per_model.items()}
    title = f"Interactive video segmentation, {protocol.mode}"
    plots.curves(series, title, "clicked frames", folder.out / "plots" / "curve.png")
    header, rows = header_and_rows(per_model)
    notes = [
        f"J&F in percent, averaged over 1 to {protocol.frames} clicked frames of {protocol.clicks} clicks each, "
        "as in the paper; the other columns are single points of the curve.",
        *unscored,
    ]
    write_report(folder.out, Report(title, header, rows, ["plots/curve.png"], notes), records)
    return content


def header_and_rows(per_model: Mapping[str, dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """The table: the mean J&F and the curve, in percent."""
    count = max(len(own["curve"]) for own in per_model.values())
    rows = [
        [name, f"{100 * own['J&F']:.1f}", *(f"{100 * value:.1f}" for value in own["curve"]), str(own["num_objects"])]
        for name, own in per_model.items()
    ]
    return ["model", "J&F", *(f"{n} fr." for n in range(1, count + 1)), "objects"], rows


def _rows(records: Mapping[str, Mapping[str, dict[str, Any]]]) -> list[Row]:
    """The lines of results.csv: model, sequence, object, clicked frames, J&F, J, F."""
    return [
        {"model": model, "sequence": name, "object": object_id, "clicked_frames": number} | own
        for model, units in records.items()
        for name, record in units.items()
        for number, by_object in enumerate(record["rounds"], start=1)
        for object_id, own in by_object.items()
    ]
