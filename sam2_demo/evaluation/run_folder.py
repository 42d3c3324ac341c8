"""The folder of an evaluation run: settings, one record per model and unit, so that a killed run resumes.

A unit is a clip or a picture. Its predictions are written first, its record last and whole: where a record
exists, the unit is done. What made a model's records stands beside them, so that another model of the same name does
not take them over. Times go to a file of their own; all others are equal after any interruption.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sam2_demo.errors import ConfigError
from sam2_demo.formats.files import read_json, write_json
from sam2_demo.resuming import differences, json_lines

Log = Callable[[str], None]


class RunFolder:
    """`<out>/records/<model>/<unit>.json`, what made them in `<out>/models/<model>.json`, and what lies beside them.

    `identities`: what the records of each model of this run are made with. More models may come with later runs.
    ConfigError when the folder holds records of other settings, or that were made with anything else. While there is
    no record nothing binds the folder.
    """

    def __init__(self, out: Path, settings: dict[str, Any], identities: Mapping[str, dict[str, Any]]) -> None:
        self.out = out
        self.settings = json.loads(json.dumps(settings))
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{out} cannot be a folder of results ({error.strerror}): give another --out") from error
        place = out / "settings.json"
        self._check_settings(place)
        for model, identity in identities.items():
            self._check_identity(model, json.loads(json.dumps(identity)))
        write_json(self.settings, place, indent=2)
        for model, identity in identities.items():
            write_json(identity, self._identity_path(model), indent=2)

    def record(self, model: str, unit: str) -> dict[str, Any] | None:
        """What was recorded of a unit, None while it is not done."""
        path = self._record_path(model, unit)
        return read_json(path) if path.is_file() else None

    def fresh_predictions(self, model: str, unit: str) -> Path:
        """Where a unit's predictions go; what an interrupted run left there is gone."""
        folder = self.out / "predictions" / model / unit
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def picture(self, model: str, unit: str) -> Path:
        """Where the picture of a unit's worst case goes."""
        return self.out / "pictures" / model / f"{unit}.jpg"

    def evaluate(
        self, model: str, units: Sequence[str], evaluate: Callable[[str], dict[str, Any]], log: Log
    ) -> dict[str, dict[str, Any]]:
        """Every unit's record, by unit; those that exist are read, the others made and written.

        A record whose "score" is None says under "unscored" why.
        """
        records = {}
        for position, unit in enumerate(units, start=1):
            record = self.record(model, unit)
            if record is None:
                began = time.perf_counter()
                record = json.loads(json.dumps(evaluate(unit)))
                seconds = time.perf_counter() - began
                self._note_time(model, unit, seconds)
                write_json(record, self._record_path(model, unit))
                log(f"{model} {position}/{len(units)} {unit}: {_score_text(record)}, {seconds:.1f} s")
            else:
                log(f"{model} {position}/{len(units)} {unit}: {_score_text(record)}, done before")
            records[unit] = record
        return records

    def _check_settings(self, place: Path) -> None:
        """ConfigError when there are records of other settings, or the settings are no run's."""
        has_records = any((self.out / "records").rglob("*.json"))
        if not place.is_file():
            if has_records:
                raise ConfigError(f"{self.out} holds records without settings.json; give another --out")
            return
        found = _read_fields(place)
        differing = differences(found, self.settings)
        if differing and (has_records or not found.keys() & self.settings.keys()):
            raise ConfigError(
                f"{self.out} holds a run with other settings ({differing}): give another --out, or delete the folder"
            )

    def _check_identity(self, model: str, identity: dict[str, Any]) -> None:
        """ConfigError when records of this model were made with anything else."""
        if not any((self.out / "records" / model).rglob("*.json")):
            return
        advice = "give another --out, or delete the folder"
        if not self._identity_path(model).is_file():
            raise ConfigError(f"{self.out} holds records of {model} that do not say what made them: {advice}")
        found = _read_fields(self._identity_path(model))
        if differing := differences(found, identity):
            raise ConfigError(f"{self.out} holds a run of {model} with other settings ({differing}): {advice}")

    def _identity_path(self, model: str) -> Path:
        return self.out / "models" / f"{model}.json"

    def _note_time(self, model: str, unit: str, seconds: float) -> None:
        with (self.out / "times.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"model": model, "unit": unit, "seconds": round(seconds, 3)}) + "\n")

    def _record_path(self, model: str, unit: str) -> Path:
        return self.out / "records" / model / f"{unit}.json"


def _read_fields(place: Path) -> dict[str, Any]:
    found = read_json(place)
    if not isinstance(found, dict):
        raise ConfigError(f"{place} holds a {type(found).__name__} where a run has its settings: give another --out")
    return found


def _score_text(record: Mapping[str, Any]) -> str:
    score = record["score"]
    return f"warning: not scored, {record['unscored']}" if score is None else f"{score:.3f}"


def seconds_by_model(out: Path) -> dict[str, dict[str, float]]:
    """Seconds by model and unit over all runs into a folder; a line that a kill cut off is left out."""
    path = out / "times.jsonl"
    times: dict[str, dict[str, float]] = {}
    for entry in json_lines(path):
        times.setdefault(entry["model"], {})[entry["unit"]] = entry["seconds"]
    return times
