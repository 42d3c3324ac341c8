"""The command `sam2-demo`: each verb reaches its command, wrong ones are refused in words."""

from __future__ import annotations

import pytest

import sam2_demo
from sam2_demo.command_line import demo
from sam2_demo.command_line.__main__ import VERBS, main


@pytest.mark.parametrize("verb", VERBS)
def test_verb_explains_itself_by_its_own_name(verb: str, capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([verb, "--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    assert f"usage: sam2-demo {verb}" in shown
    assert "example" in shown.lower()


def test_overview_names_every_verb(capsys) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {verb} " in shown for verb in VERBS)


def test_version_is_the_package_s(capsys) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"sam2-demo {sam2_demo.__version__}\n"


def test_unknown_verb_is_refused_with_those_there_are(capsys) -> None:
    assert main(["segment"]) == 2
    shown = capsys.readouterr().err
    assert "'segment' is not one of demo, " in shown


@pytest.mark.parametrize("arguments", [[], ["demo"], ["--port", "8000"], ["demo", "--port", "8000"]])
def test_page_is_what_starts_without_a_verb(arguments: list[str], monkeypatch) -> None:
    given: list[list[str]] = []
    monkeypatch.setattr(demo, "main", lambda rest, prog: given.append(list(rest)) or 0)
    assert main(arguments) == 0
    assert given == [[word for word in arguments if word != "demo"]]
