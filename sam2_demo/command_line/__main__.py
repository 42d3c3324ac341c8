"""`sam2-demo VERB ...`: one command for all that the `python -m` forms do; without a verb it starts the page."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import sam2_demo

PROGRAM = "sam2-demo"
# What each verb runs, imported only when it is asked for: PyTorch and Gradio take seconds to load.
VERBS: dict[str, tuple[str, str]] = {
    "demo": ("sam2_demo.command_line.demo", "start the page (also without a verb)"),
    "find": ("sam2_demo.command_line.find", "find things in a picture by words, or all that look like one"),
    "track": ("sam2_demo.command_line.track", "follow things through clips, from clicks, boxes or masks"),
    "masklets": ("sam2_demo.masklets.__main__", "find and track everything in clips, without prompts"),
    "evaluate": ("sam2_demo.evaluation.__main__", "measure models by the protocols of the paper"),
    "train": ("sam2_demo.training.__main__", "train or fine-tune a network"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb with the arguments after it; 0 on success, 2 on wrong usage or input."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] in (["-h"], ["--help"]):
        print(_overview())
        return 0
    if given[:1] == ["--version"]:
        print(f"{PROGRAM} {sam2_demo.__version__}")
        return 0
    verb, rest = ("demo", given) if not given or given[0].startswith("-") else (given[0], given[1:])
    if verb not in VERBS:
        print(f"error: {verb!r} is not one of {', '.join(VERBS)}\n\n{_overview()}", file=sys.stderr)
        return 2
    return import_module(VERBS[verb][0]).main(rest, prog=f"{PROGRAM} {verb}")


def _overview() -> str:
    verbs = "\n".join(f"  {verb:<10} {what}" for verb, (_, what) in VERBS.items())
    return (
        f"usage: {PROGRAM} [VERB] [OPTION ...]\n\nSegment Anything in images and videos.\n\nverbs:\n{verbs}\n\n"
        f"'{PROGRAM} VERB --help' explains a verb, with examples; '{PROGRAM} --version' names the version."
    )


if __name__ == "__main__":
    sys.exit(main())
