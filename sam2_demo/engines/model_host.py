"""Loaded models by name: the one the app was started with, and those that people pick on the page."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sam2_demo.engines.engine import Engine
from sam2_demo.engines.model_catalogue import CATALOGUE, choice_for
from sam2_demo.errors import WeightsError

log = logging.getLogger(__name__)

Progress = Callable[[str, float | None], None]
"""Called with the step in words and the share done (None: not known) while a model is loaded."""


@dataclass(frozen=True)
class LoadedModel:
    """An engine with the line that the page shows about it; `notice` says why it is not what was asked for."""

    engine: Engine
    description: str
    notice: str = ""


Loader = Callable[[str, Progress | None], LoadedModel]


class ModelHost:
    """Keeps up to `most_loaded` models; the one the app started with is never let go."""

    def __init__(self, default_source: str, loader: Loader, most_loaded: int = 2) -> None:
        self._loader = loader
        self._most_loaded = most_loaded
        self._guard = threading.Lock()
        self._loading = threading.Lock()
        self._loaded: OrderedDict[str, LoadedModel] = OrderedDict()
        default = loader(default_source, None)
        self.default = default.engine.name
        self._loaded[self.default] = default
        log.info("%s %s", default.description, default.notice)

    def engine(self, name: str | None) -> Engine:
        """A loaded model by name (None: the default one); WeightsError if it is not loaded."""
        with self._guard:
            found = self._loaded.get(name or self.default)
            if found is None:
                raise WeightsError(f"model {name!r} is not loaded (any more); choose it again in the model list")
            self._loaded.move_to_end(found.engine.name)
            return found.engine

    def load(self, source: str, progress: Progress | None = None) -> LoadedModel:
        """Load a model of the catalogue; WeightsError for others and when its weights cannot be had."""
        found = self._find(source)
        if found is not None:
            return found
        if source not in [choice.source for choice in CATALOGUE]:
            raise WeightsError(f"{source!r} is not one of the models offered here")
        with self._loading:
            found = self._find(source)  # somebody else may have waited for it
            if found is None:
                found = self._loader(source, progress)
                self._keep(found)
            return found

    def _find(self, source: str) -> LoadedModel | None:
        with self._guard:
            return self._loaded.get(source)

    def _keep(self, model: LoadedModel) -> None:
        with self._guard:
            self._loaded[model.engine.name] = model
            for name in list(self._loaded):
                if len(self._loaded) <= self._most_loaded:
                    break
                if name not in (self.default, model.engine.name):
                    del self._loaded[name]

    def to_json(self) -> dict[str, Any]:
        """The models offered and loaded, for the page."""
        with self._guard:
            loaded = dict(self._loaded)
        names = [choice.source for choice in CATALOGUE]
        entries = [choice_for(n) for n in [*(n for n in loaded if n not in names), *names]]
        return {
            "default": self.default,
            "models": [
                {
                    "name": choice.source,
                    "label": choice.label,
                    "megabytes": choice.megabytes,
                    "accuracy": choice.accuracy,
                    "speed": choice.speed,
                    "licence": choice.licence,
                    "loaded": choice.source in loaded,
                    "description": loaded[choice.source].description if choice.source in loaded else "",
                    "notice": loaded[choice.source].notice if choice.source in loaded else "",
                }
                for choice in entries
            ],
        }
