"""Files that appear whole, lines that a kill cut, and settings that bind a folder."""

import json
from pathlib import Path

import pytest

from sam2_demo.resuming import differences, json_lines, replacing


@pytest.mark.parametrize("several", [False, True])
def test_a_file_appears_whole_or_stays_as_it_was(tmp_path: Path, several: bool) -> None:
    target = tmp_path / "new" / "state.json"
    with replacing(target, several) as beside:
        beside.write_text("first")
        assert not target.exists() and beside.parent == target.parent
    with pytest.raises(OSError, match="disk"), replacing(target, several) as beside:
        beside.write_text("half of the sec")
        raise OSError("the disk is full")
    assert target.read_text() == "first" and list(target.parent.iterdir()) == [target]


def test_what_a_kill_left_is_written_over(tmp_path: Path) -> None:
    target = tmp_path / "checkpoint.pt"
    (tmp_path / ".checkpoint.pt.part").write_text("much that a killed run had written")
    with replacing(target) as beside:
        beside.write_text("whole")
    assert target.read_text() == "whole" and list(tmp_path.iterdir()) == [target]


def test_writers_at_the_same_time_do_not_share_a_file(tmp_path: Path) -> None:
    target = tmp_path / "objects.json"
    with replacing(target, several_writers=True) as one, replacing(target, several_writers=True) as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert target.read_text() == "one"


def test_cut_lines_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "times.jsonl"
    assert list(json_lines(path)) == []
    path.write_bytes(b'{"a": 1}\n[2]\n{"b": 3}\n{"c": "\xc3')
    assert list(json_lines(path)) == [{"a": 1}, {"b": 3}]


def test_differences_are_told_with_both_values() -> None:
    wanted = {"model": "embedded", "steps": (1, 2), "seed": 3}
    assert differences(json.loads(json.dumps(wanted)), wanted) == ""
    assert differences({"model": "auto", "steps": [1, 2]}, wanted) == (
        "model 'auto' there, 'embedded' here; seed None there, 3 here"
    )
