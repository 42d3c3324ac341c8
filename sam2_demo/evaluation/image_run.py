"""`evaluation image`: pictures with ground truth, any number of models, into a run folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sam2_demo.datasets.coco_instances import open_coco
from sam2_demo.datasets.pictures import AnnotatedPicture, LabelMapPictures, PictureSet
from sam2_demo.errors import DatasetError
from sam2_demo.evaluation import confidence, image_protocol, plots, results
from sam2_demo.evaluation.contestants import PicturePredictor
from sam2_demo.evaluation.identity import model_identities
from sam2_demo.evaluation.image_protocol import ImageProtocol, ObjectAnswers
from sam2_demo.evaluation.pictures import save_errors
from sam2_demo.evaluation.report import Report, write_report
from sam2_demo.evaluation.rows import Model
from sam2_demo.evaluation.run_folder import Log, RunFolder
from sam2_demo.formats.files import write_json
from sam2_demo.masks.run_lengths import encode_rle


@dataclass(frozen=True)
class ImageRun:
    """What to measure on which pictures, and where to."""

    data: Path
    out: Path
    protocol: ImageProtocol
    limit: int | None = None

    def settings(self) -> dict[str, Any]:
        """What must be equal for a run to be resumed."""
        return {
            "protocol": "image",
            "data": str(self.data.resolve()),
            "clicks": sorted(self.protocol.clicks),
            "box": self.protocol.box,
            "limit": self.limit,
        }


def open_pictures(root: Path) -> PictureSet:
    """A COCO instances file or folder, or pictures with label maps beside them."""
    return open_coco(root) or LabelMapPictures(root)


def run(request: ImageRun, models: list[Model], log: Log) -> dict[str, Any]:
    """Measure every model on every picture and write the results; returns what results.json holds.

    ConfigError, before any model runs, for a baseline that tracks clips only.
    """
    for model in models:
        model.check_pictures()
    pictures = open_pictures(request.data)
    names = pictures.names[: request.limit]
    if not names:
        raise DatasetError(f"{request.data} holds no annotated picture")
    settings = request.settings() | {"fill_holes": any(model.fill_holes for model in models)}
    folder = RunFolder(request.out, settings, model_identities(models))
    records: dict[str, dict[str, dict[str, Any]]] = {}
    for model in models:
        # GrabCut takes no clicks: its row has the box column only.
        protocol = ImageProtocol((), True) if model.kind == "grabcut" else request.protocol
        evaluate = _Evaluation(folder, model, pictures, protocol)
        records[model.name] = folder.evaluate(model.name, names, evaluate, log)
    per_model = {
        name: image_protocol.summarize(own, request.protocol.settings) | confidence.summarize(own.values())
        for name, own in records.items()
    }
    content = results.write_results(request.out, per_model, settings)
    results.write_csv(results.image_rows(per_model, records), request.out / "results.csv")
    _write_report(request, per_model, records)
    return content


class _Evaluation:
    """Evaluates pictures by name with one model, which is loaded when the first picture needs it."""

    def __init__(self, folder: RunFolder, model: Model, pictures: PictureSet, protocol: ImageProtocol) -> None:
        self._folder, self._model, self._pictures, self._protocol = folder, model, pictures, protocol
        self._predictor: PicturePredictor | None = None

    def __call__(self, name: str) -> dict[str, Any]:
        self._predictor = self._predictor or self._model.picture_predictor()
        picture = self._pictures.picture(name)
        answers = image_protocol.evaluate_picture(self._predictor, picture, self._protocol)
        self._save_masks(name, answers)
        objects = {key: answer.iou for key, answer in answers.items()}
        scores = [iou for own in objects.values() for iou in own.values()]
        record: dict[str, Any] = {"source": picture.source, "objects": objects}
        if not scores:
            return record | {"score": None, "unscored": "the picture shows no object"}
        record["score"] = sum(scores) / len(scores)
        said = [[own.predicted[setting], iou] for own in answers.values() for setting, iou in own.iou.items()]
        if self._model.kind == "network":
            record["confidence"] = {confidence.PREDICTED_IOU: said}
        return record | self._save_worst(name, picture, answers)

    def _save_masks(self, name: str, answers: dict[str, ObjectAnswers]) -> None:
        content = {
            key: {
                "clicks": [[click.x, click.y, click.label] for click in answer.clicks],
                "masks": {setting: encode_rle(mask) for setting, mask in answer.masks.items()},
            }
            for key, answer in answers.items()
        }
        write_json(content, self._folder.fresh_predictions(self._model.name, name) / "masks.json")

    def _save_worst(self, name: str, picture: AnnotatedPicture, answers: dict[str, ObjectAnswers]) -> dict[str, Any]:
        setting = "box" if self._protocol.box else str(max(self._protocol.clicks))
        score, key = min((answer.iou[setting], key) for key, answer in answers.items())
        target = next(own for own in picture.objects if own.key == key)
        path = self._folder.picture(self._model.name, name)
        save_errors(picture.pixels, answers[key].masks[setting], target.mask, path)
        what = "from the box" if setting == "box" else f"{setting} clicks"
        worst = {"object": key, "what": what, "score": score}
        return {"picture": str(path.relative_to(self._folder.out)), "worst": worst}


def header_and_rows(per_model: dict[str, dict[str, Any]], settings: list[str]) -> tuple[list[str], list[list[str]]]:
    """The table of mIoU in percent."""
    header = ["model", *(setting if setting == "box" else f"{setting} click(s)" for setting in settings), "objects"]
    rows = []
    for name, result in per_model.items():
        cells = [f"{100 * result['mIoU'][s]:.1f}" if s in result["mIoU"] else "-" for s in settings]
        rows.append([name, *cells, str(result["num_objects"])])
    return header, rows


def _write_report(
    request: ImageRun, per_model: dict[str, dict[str, Any]], records: dict[str, dict[str, dict[str, Any]]]
) -> None:
    series = {name: result["mIoU"] for name, result in per_model.items()}
    plots.bars(series, "mIoU by prompt", "mIoU (%)", request.out / "plots" / "miou.png")
    header, rows = header_and_rows(per_model, request.protocol.settings)
    note = "mIoU in percent over all objects; clicks go to the centre of the error."
    notes = [note, *confidence.notes(per_model)]
    report = Report("Pictures from clicks and boxes", header, rows, ["plots/miou.png"], notes)
    write_report(request.out, report, records)
