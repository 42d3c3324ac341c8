"""A run that goes on in its folder: only with what made the records there, and beside any other model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from sam2_demo import weights as weights_module
from sam2_demo.errors import ConfigError, WeightsError
from sam2_demo.evaluation import rows
from sam2_demo.evaluation.__main__ import main
from sam2_demo.evaluation.identity import model_identity
from sam2_demo.evaluation.rows import FurtherRows, Model, choose_models
from sam2_demo.evaluation.run_folder import RunFolder
from sam2_demo.weights import load_network


@pytest.fixture
def weights(tmp_path, color_tracker, monkeypatch) -> Path:
    """A file that stands for a model's weights: what tracks is the colour tracker."""
    monkeypatch.setattr(rows.Model, "clip_predictor", lambda self: color_tracker)
    path = tmp_path / "mine.safetensors"
    path.write_bytes(b"trained for a day")
    return path


@pytest.fixture
def vos(davis_root, tmp_path, weights):
    """Run the protocol with the weights into one folder, with more options; gives the exit status."""
    fixed = ["vos", "--data", str(davis_root), "--device", "cpu", "--out", str(tmp_path / "out")]
    return lambda *more: main([*fixed, "--model", str(weights), *more])


def tracked(color_tracker) -> int:
    """How many clips were opened for tracking, and forget them."""
    count = len({id(session) for session in color_tracker.sessions})
    color_tracker.sessions.clear()
    return count


def test_another_dtype_is_not_taken_for_done(vos, color_tracker, capsys):
    assert vos("--dtype", "float32") == 0 and tracked(color_tracker) > 0
    assert vos("--dtype", "float32") == 0 and tracked(color_tracker) == 0
    assert vos("--dtype", "bfloat16") == 2 and tracked(color_tracker) == 0
    message = capsys.readouterr().err
    assert "mine with other settings (dtype 'float32' there, 'bfloat16' here): give another --out" in message


def test_other_weights_in_the_same_file_are_not_taken_for_done(vos, weights, color_tracker, capsys):
    assert vos() == 0
    tracked(color_tracker)
    weights.write_bytes(b"trained for two days")
    assert vos() == 2 and tracked(color_tracker) == 0
    assert "mine with other settings (weights '" in capsys.readouterr().err


def test_another_file_of_the_same_name_is_not_taken_for_done(vos, weights, davis_root, tmp_path, capsys):
    assert vos() == 0
    (tmp_path / "other").mkdir()
    other = shutil.copy(weights, tmp_path / "other")
    arguments = ["vos", "--data", str(davis_root), "--device", "cpu", "--out", str(tmp_path / "out")]
    assert main([*arguments, "--model", str(other)]) == 2
    assert "other settings (source '" in capsys.readouterr().err


def test_a_further_model_may_join(vos, color_tracker, tmp_path):
    assert vos() == 0
    tracked(color_tracker)
    assert vos("--with-fast", "--with-one-look", "--with-input-size", "32", "--baseline", "flow") == 0
    made = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "out" / "models").iterdir()}
    assert set(made) == {"mine", "mine-fast", "mine-one-look", "mine-at-32", "flow"}
    assert made["mine-at-32"] == made["mine"] | {"input_size": 32}
    assert made["mine-one-look"] == made["mine"] | {"one_look": True}
    assert made["mine-fast"] == made["mine"] | {"fast": True} and made["flow"] == {"source": "flow", "kind": "flow"}


def test_what_a_run_without_records_was_to_be_made_with_does_not_bind(tmp_path):
    RunFolder(tmp_path, {}, {"a": {"dtype": "float32"}})
    RunFolder(tmp_path, {}, {"a": {"dtype": "bfloat16"}})
    (tmp_path / "records" / "a").mkdir(parents=True)
    (tmp_path / "records" / "a" / "clip.json").write_text("{}")
    with pytest.raises(ConfigError, match="dtype 'bfloat16' there, 'float32' here"):
        RunFolder(tmp_path, {}, {"a": {"dtype": "float32"}})


def test_settings_bind_from_the_first_record_on(tmp_path):
    RunFolder(tmp_path, {"prompt": "mask"}, {})
    folder = RunFolder(tmp_path, {"prompt": "box"}, {"a": {"weights": "1"}})
    assert json.loads((tmp_path / "settings.json").read_text()) == {"prompt": "box"}
    folder.evaluate("a", ["source/of/pictures"], lambda unit: {"score": 1.0}, lambda line: None)
    with pytest.raises(ConfigError, match=r"other settings \(prompt .* there, .* here\)"):
        RunFolder(tmp_path, {"prompt": "mask"}, {})
    with pytest.raises(ConfigError, match="weights '1' there, '2' here"):
        RunFolder(tmp_path, {"prompt": "box"}, {"a": {"weights": "2"}})


def test_folders_of_others_are_refused(tmp_path):
    (tmp_path / "file").write_text("no folder")
    for place in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(ConfigError, match=f"{place} cannot be a folder of results"):
            RunFolder(place, {}, {})
    (tmp_path / "settings.json").write_text("[1]")
    with pytest.raises(ConfigError, match=r"settings\.json holds a list where a run has its settings"):
        RunFolder(tmp_path, {"prompt": "mask"}, {})
    (tmp_path / "settings.json").write_text('{"editor.fontSize": 12}')
    with pytest.raises(ConfigError, match="other settings"):
        RunFolder(tmp_path, {"prompt": "mask"}, {})
    assert "editor" in (tmp_path / "settings.json").read_text()


def test_records_that_do_not_say_what_made_them_are_refused(vos, tmp_path, capsys):
    assert vos() == 0
    shutil.rmtree(tmp_path / "out" / "models")  # as before it was written down
    assert vos() == 2
    assert "records of mine that do not say what made them: give another --out" in capsys.readouterr().err


def test_changed_predictions_are_not_taken_for_scored(davis_root, tmp_path, capsys):
    predictions = shutil.copytree(davis_root / "Annotations", tmp_path / "theirs")
    arguments = ["score", "--data", str(davis_root), "--predictions", str(predictions), "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    (predictions / "first" / "notes.txt").write_text("not scored")
    assert main(arguments) == 0
    assert "done before" in capsys.readouterr().out
    shutil.copy(predictions / "first" / "00000.png", predictions / "first" / "00009.png")
    assert main(arguments) == 2
    assert "theirs with other settings (content '" in capsys.readouterr().err


def test_auto_is_what_it_stands_for_here():
    named = model_identity(Model("a", "embedded", device="cpu", dtype="float32"))
    assert named["weights"] and named["source"] == "embedded" and named["dtype"] == "float32"
    unnamed = model_identity(Model("a", "auto", device="cpu"))
    assert unnamed["weights"] == named["weights"] and unnamed["dtype"] in ("float32", "bfloat16")
    assert model_identity(Model("a", "facebook/sam2.1-hiera-tiny", device="cpu"))["weights"] is None


def test_what_is_not_there_is_said_before_anything_runs(tmp_path):
    with pytest.raises(WeightsError, match=r"there is no file .*none\.pt; accepted: an existing \.pt"):
        model_identity(Model("a", str(tmp_path / "none.pt"), device="cpu"))
    with pytest.raises(ConfigError, match="dtype is 'int4'; accepted"):
        model_identity(Model("a", "embedded", device="cpu", dtype="int4"))


def test_rows_run_as_they_say():
    rows = choose_models(["embedded"], [], further=FurtherRows(fast=True, input_size=256))
    assert [row.name for row in rows] == ["embedded", "embedded-fast", "embedded-at-256"]
    assert [row._options().frame_stride for row in rows] == [1, 2, 1]
    assert [row._options().input_size for row in rows] == [None, None, 256]
    with pytest.raises(ConfigError, match="input_size is 100"):
        choose_models(["embedded"], [], further=FurtherRows(input_size=100))


def test_a_row_for_each_memory_rule():
    rows = choose_models(["embedded"], [], further=FurtherRows(memory_rules=("published", "motion+distractor_aware")))
    assert [row.name for row in rows] == ["embedded", "embedded-motion+distractor_aware"]
    assert [row._options().memory_rule for row in rows] == ["published", "motion+distractor_aware"]
    assert [model_identity(row)["memory_rule"] for row in rows] == ["published", "motion+distractor_aware"]
    with pytest.raises(ConfigError, match="memory_rule is 'luck'; accepted: published, "):
        choose_models(["embedded"], [], further=FurtherRows(memory_rules=("luck",)))


def test_rows_without_a_closer_look_do_not_look_closer():
    plain, one_look = choose_models(["embedded"], [], further=FurtherRows(one_look=True))
    assert one_look.name == "embedded-one-look"
    network = load_network("embedded", device="cpu")
    assert plain._options().looks_closer(network) and not one_look._options().looks_closer(network)


def test_auto_on_a_gpu_is_what_it_loaded(monkeypatch):
    """What it is there depends on the GPU's memory, the cache and whether the Hub answers."""
    monkeypatch.setattr(weights_module, "gpu_memory", lambda _: 2**36)
    for chosen in ("embedded", "facebook/sam2.1-hiera-large"):
        loaded = SimpleNamespace(provenance=SimpleNamespace(source=chosen))
        monkeypatch.setattr(weights_module, "load_network", lambda *_, loaded=loaded, **__: loaded)
        assert model_identity(Model("auto", "auto", device="cpu"))["source"] == chosen
