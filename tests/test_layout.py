"""The house rules of the tree: who may import whom, where gradio, torch and argparse may be, what is documented.

The rules are checked on the source with `ast`, so nothing is imported; each checker takes the root of a tree and
is itself tried on a small made-up tree that breaks the rule.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "sam2_demo"

# Lower floors first; nobody imports a higher one. `errors` and `resuming` are
# everybody's. Single names of a room may be named where
# the rest of it may not: the network that `weights.load_network` returns, and the simulation's next click.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "resuming": set(),
    "assets_folder": set(),
    "device": set(),
    "official_models": set(),
    "hub": {"official_models"},
    "masks": set(),
    "network": {"masks"},
    "video": {"masks"},
    "rendering": {"masks"},
    "detection": {"masks", "hub", "device"},
    "weights": {"network", "hub", "official_models", "device", "assets_folder"},
    "tracking": {"network", "masks", "video", "device"},
    "formats": {"masks", "video"},
    "datasets": {"video", "formats", "masks"},
    "engines": {
        "network.sam2_network", "tracking", "weights", "detection", "masks", "video", "official_models", "device"
    },
    "sessions": {"engines", "formats", "rendering", "tracking", "video", "masks", "datasets.prompt_simulation"},
    "projects": {"sessions", "engines", "formats", "datasets", "training", "video", "masks"},
    "masklets": {"datasets", "tracking", "detection", "formats", "video", "masks", "weights", "device"},
    "evaluation": {
        "datasets", "tracking", "detection", "network", "formats", "video", "masks", "weights", "device"
    },
    "training": {"datasets", "tracking", "network", "formats", "video", "masks", "weights", "device"},
    "cluster": {"masklets", "evaluation", "sessions", "device"},
    "ui": {
        "projects", "sessions", "engines", "formats", "rendering", "tracking", "video", "masks", "device",
        "datasets.prompt_simulation", "assets_folder",
    },
    "command_line": {""},
    "app": {""},
    "tools": {""},
    "": {"tracking", "weights", "detection"},
}  # fmt: skip
CONFINED = {
    "gradio": {"ui", "app"},
    "starlette": {"ui"},
    "transformers": {"detection", "tools"},
    "ray": {"cluster"},
}
BANNED = {"torch": {"masks", "video", "rendering", "formats"}}
VAGUE_NAMES = {"utils", "util", "misc", "helpers", "helper", "common", "core"}
LONGEST_FILE = 400


def sources(root: Path) -> list[Path]:
    """All source files that the rules are about: the package, tools and app.py, not the tests."""
    app = [root / "app.py"] if (root / "app.py").is_file() else []
    return app + sorted((root / "tools").rglob("*.py")) + sorted((root / PACKAGE).rglob("*.py"))


def module_name(root: Path, path: Path) -> str:
    """Dotted name within the package ("video.writer"); "app" for app.py, "" for the package itself."""
    parts = list(path.relative_to(root).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts[1:] if parts[0] == PACKAGE else parts)


def imported_modules(root: Path, path: Path) -> Iterator[str]:
    """Full dotted names of what a file imports anywhere in it, relative imports made absolute."""
    folder = list(path.relative_to(root).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) + 1 - node.level] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = root.joinpath(*stem.split("."), alias.name)
                is_module = inner.is_dir() or inner.with_suffix(".py").is_file()
                yield f"{stem}.{alias.name}" if is_module else stem


def own_imports(root: Path, path: Path) -> Iterator[str]:
    """Names within the package of what a file imports from it ("" for the package itself)."""
    for name in imported_modules(root, path):
        if name == PACKAGE or name.startswith(PACKAGE + "."):
            yield name[len(PACKAGE) + 1 :]


def wrong_directions(root: Path) -> list[str]:
    """Imports between our packages that the layout does not allow; an unknown package is wrong as well."""
    wrong = []
    for path in sources(root):
        name = module_name(root, path)
        home = name.split(".")[0]
        if home not in ALLOWED:
            wrong.append(f"{path.relative_to(root)}: no rule for {home!r}")
            continue
        for target in own_imports(root, path):
            allowed = ALLOWED[home] | {home, "errors", "resuming"} - ({""} - ALLOWED[home])
            if not any(not name or target == name or target.startswith(name + ".") for name in allowed):
                wrong.append(f"{path.relative_to(root)} imports {PACKAGE}.{target}")
        in_workshop = {"tools", "tests"} & {name.split(".")[0] for name in imported_modules(root, path)}
        if in_workshop and home != "tools":
            wrong.append(f"{path.relative_to(root)} imports {', '.join(sorted(in_workshop))}, which are not installed")
    return wrong


def package_cycles(root: Path) -> list[str]:
    """Top-level packages that reach themselves through the imports of others."""
    edges: dict[str, set[str]] = {}
    for path in sources(root):
        home = module_name(root, path).split(".")[0]
        edges.setdefault(home, set()).update(target.split(".")[0] for target in own_imports(root, path))
    cycles = []
    for start in edges:
        reached, waiting = set(), [target for target in edges[start] if target != start]
        while waiting:
            current = waiting.pop()
            if current not in reached:
                reached.add(current)
                waiting += edges.get(current, ())
        if start in reached:
            cycles.append(start)
    return cycles


def is_command_line(root: Path, path: Path) -> bool:
    """Whether a file may read arguments and print: app.py, every __main__.py, command_line and tools."""
    return path.name in ("app.py", "__main__.py") or module_name(root, path).split(".")[0] in ("command_line", "tools")


def misplaced_libraries(root: Path) -> list[str]:
    """Libraries outside their rooms (gradio, starlette, transformers, ray, argparse), torch on the ground floor."""
    wrong = []
    for path in sources(root):
        home = module_name(root, path).split(".")[0]
        for library in {name.split(".")[0] for name in imported_modules(root, path)}:
            outside = library in CONFINED and home not in CONFINED[library]
            banned = home in BANNED.get(library, ())
            arguments = library == "argparse" and not is_command_line(root, path)
            if outside or banned or arguments:
                wrong.append(f"{path.relative_to(root)} imports {library}")
    return wrong


def is_bare_signature(node: ast.stmt) -> bool:
    """Whether a function's whole body is `...`."""
    body = node.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else []
    value = body[0].value if len(body) == 1 and isinstance(body[0], ast.Expr) else None
    return isinstance(value, ast.Constant) and value.value is ...


def undocumented(root: Path) -> list[str]:
    """Files, public classes, functions and methods without a docstring.

    What is private or nested needs none, nor do the bare signatures (`...`) of a Protocol, which its class explains.
    """
    missing = []

    def visit(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, place: str) -> None:
        if ast.get_docstring(node) is None:
            missing.append(place)
        if isinstance(node, (ast.Module, ast.ClassDef)):
            for child in node.body:
                is_named = isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
                if is_named and not child.name.startswith("_") and not is_bare_signature(child):
                    visit(child, f"{place}:{child.name}")

    for path in sources(root):
        visit(ast.parse(path.read_text(encoding="utf-8")), str(path.relative_to(root)))
    return missing


def loose_code(root: Path) -> list[str]:
    """Asserts, prints outside command lines, vague module names, files that are too long."""
    wrong = []
    for path in sources(root):
        text, place = path.read_text(encoding="utf-8"), str(path.relative_to(root))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Assert):
                wrong.append(f"{place}:{node.lineno}: assert")
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name) and called.id == "print" and not is_command_line(root, path):
                wrong.append(f"{place}:{called.lineno}: print")
        if VAGUE_NAMES & set(path.relative_to(root).with_suffix("").parts):
            wrong.append(f"{place}: says nothing by its name")
        if (lines := text.count("\n")) > LONGEST_FILE:
            wrong.append(f"{place}: {lines} lines")
    return wrong


CHECKS = [wrong_directions, package_cycles, misplaced_libraries, undocumented, loose_code]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_tree_keeps_the_rule(check) -> None:
    assert len(sources(ROOT)) > 10
    assert check(ROOT) == []


def make_tree(root: Path, files: dict[str, str]) -> Path:
    (root / PACKAGE).mkdir()
    for name in ("", *{str(Path(name).parent) for name in files}):
        if name != ".":
            (root / PACKAGE / name).mkdir(exist_ok=True)
            (root / PACKAGE / name / "__init__.py").write_text('"""A package."""\n')
    for name, text in files.items():
        target = root / name if name == "app.py" else root / PACKAGE / name
        target.write_text(text)
    return root


GOOD = {
    "errors.py": '"""Errors."""\n',
    "video/reader.py": '"""Reads."""\nfrom ..errors import X\n\ndef read():\n    """Read."""\n',
    "masks/masklet.py": '"""A masklet."""\nimport numpy\n\nclass Masklet:\n    """One."""\n',
    "tracking/tracker.py": f'"""A tracker."""\nimport torch\nfrom {PACKAGE}.masks import masklet\n',
    "formats/coco.py": f'"""COCO."""\nfrom {PACKAGE}.masks.masklet import Masklet\nfrom {PACKAGE} import errors\n',
    "ui/blocks.py": f'"""Blocks."""\nimport gradio as gr\nfrom {PACKAGE}.video import reader\n',
    "app.py": f'"""App."""\nimport argparse\nfrom {PACKAGE}.ui import blocks\n\nprint(1)\n',
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_checker_accepts_a_good_tree(check, tmp_path: Path) -> None:
    assert check(make_tree(tmp_path, GOOD)) == []


BROKEN = [
    (wrong_directions, "video/bad.py", f"from {PACKAGE}.tracking import tracker", "video/bad.py"),
    (wrong_directions, "masks/bad.py", f"from {PACKAGE}.tracking import tracker", "masks/bad.py"),
    (wrong_directions, "sessions/bad.py", f"from {PACKAGE}.ui import blocks", "sessions/bad.py"),
    (wrong_directions, "video/bad.py", "from ..formats.coco import x", "video/bad.py"),
    (wrong_directions, "formats/bad.py", f"from {PACKAGE}.tracking import VideoPredictor", "formats/bad.py"),
    (wrong_directions, "formats/bad.py", f"def f():\n    import {PACKAGE}.ui.blocks", "formats/bad.py"),
    (wrong_directions, "tracking/bad.py", f"from {PACKAGE} import load_network", "tracking/bad.py"),
    (wrong_directions, "shed/bad.py", "x = 1", "no rule for 'shed'"),
    (wrong_directions, "tracking/bad.py", "from tools import benchmark", "tools, which are not installed"),
    (package_cycles, "masks/bad.py", f"from {PACKAGE}.formats import coco", "masks"),
    (misplaced_libraries, "tracking/bad.py", "import gradio", "gradio"),
    (misplaced_libraries, "formats/bad.py", "import torch.nn.functional as F", "torch"),
    (misplaced_libraries, "formats/bad.py", "from torch import nn", "torch"),
    (misplaced_libraries, "masks/bad.py", "import torch", "torch"),
    (misplaced_libraries, "sessions/bad.py", "from starlette import requests", "starlette"),
    (misplaced_libraries, "evaluation/bad.py", "import transformers", "transformers"),
    (misplaced_libraries, "training/bad.py", "import ray", "ray"),
    (misplaced_libraries, "ui/bad.py", "import argparse", "argparse"),
    (undocumented, "video/bad.py", '"""Doc."""\n\ndef f():\n    pass', "video/bad.py:f"),
    (
        undocumented,
        "video/bad.py",
        '"""Doc."""\n\nclass A:\n    """D."""\n    def f(self):\n        pass',
        "bad.py:A:f",
    ),
    (
        undocumented,
        "video/bad.py",
        '"""Doc."""\n\nclass A:\n    """D."""\n    def f(self): "x"; ...\n    def g(self): 1',
        "bad.py:A:g",
    ),
    (undocumented, "video/bad.py", "x = 1", "video/bad.py"),
    (loose_code, "video/bad.py", "def f(x):\n    assert x", "assert"),
    (loose_code, "video/bad.py", "print(1)", "print"),
    (loose_code, "video/utils.py", "x = 1", "video/utils.py"),
    (loose_code, "video/long.py", "x = 1\n" * 400, "401 lines"),
]


@pytest.mark.parametrize(("check", "file", "text", "named"), BROKEN)
def test_checker_finds_what_is_wrong(check, file: str, text: str, named: str, tmp_path: Path) -> None:
    found = check(make_tree(tmp_path, GOOD | {file: text + "\n"}))
    assert any(named in line for line in found), found


def test_private_and_nested_names_need_no_docstring(tmp_path: Path) -> None:
    text = '"""D."""\n\ndef _f():\n    pass\n\ndef g():\n    """D."""\n    def h():\n        pass\n'
    assert undocumented(make_tree(tmp_path, {"video/a.py": text})) == []
