"""Each contender in a process of its own, so that none profits or suffers from another's allocator and threads."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import warnings
from importlib.util import find_spec
from multiprocessing.connection import Connection
from time import perf_counter

from sam2_demo.errors import ConfigError, DemoError
from tools.benchmark.contender import Contender
from tools.benchmark.material import Material

OURS, OURS_EXACT, TRANSFORMERS, ORIGINAL = "this project", "this project in float32", "transformers", "original"
CONTENDERS = (OURS, OURS_EXACT, TRANSFORMERS, ORIGINAL)


def is_available(name: str, material: Material) -> bool:
    """Whether a contender can run here."""
    if name == TRANSFORMERS:
        return material.transformers_folder is not None
    return name != ORIGINAL or find_spec("sam2") is not None


def make_contender(name: str, material: Material) -> Contender:
    """Load a contender; ConfigError for an unknown name."""
    if name in (OURS, OURS_EXACT):
        from tools.benchmark.this_project import ThisProject

        return ThisProject(material, dtype="auto" if name == OURS else "float32")
    if name == TRANSFORMERS:
        from tools.benchmark.transformers_model import TransformersModel

        return TransformersModel(material)
    if name == ORIGINAL:
        from tools.benchmark.original import Original

        return Original(material)
    raise ConfigError(f"contender is {name!r}; accepted: {', '.join(CONTENDERS)}")


def start_to_first_mask(name: str, material: Material) -> float:
    """Seconds of a fresh Python process from its start to the end of the first click on a picture."""
    from tools.benchmark import original, this_project, transformers_model

    picture = str(next(material.short_clip.glob("*.jpg")))
    weights = str(material.weights if name != ORIGINAL else material.weights.with_suffix(".pt"))
    script = {OURS: this_project.START, OURS_EXACT: this_project.START, ORIGINAL: original.START}.get(
        name, transformers_model.START
    )
    text = script.format(weights=weights, picture=picture, folder=str(material.transformers_folder))
    start = perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", "-c", text], check=True, capture_output=True)
    return perf_counter() - start


class Worker:
    """A contender's process: `measure` runs one of its methods there and waits for the answer."""

    def __init__(self, name: str, material: Material) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(name, material, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def measure(self, method: str, *arguments: int) -> float:
        """The figure that the contender's method gives; DemoError when it fails."""
        try:
            self._connection.send((method, arguments))
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise DemoError(f"the contender's process ended while it was measured ({method})") from error
        if isinstance(answer, str):
            raise DemoError(f"{method} failed: {answer}")
        return float(answer)

    def stop(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.terminate()


def _serve(name: str, material: Material, connection: Connection) -> None:
    warnings.simplefilter("ignore")
    contender: Contender | None = None
    while True:
        try:
            method, arguments = connection.recv()
        except (EOFError, OSError):
            return
        try:
            if contender is None:
                contender = make_contender(name, material)
            connection.send(getattr(contender, method)(*arguments))
        except Exception as error:  # noqa: BLE001  reported to the parent, whatever another package raises
            connection.send(f"{type(error).__name__}: {error}")
