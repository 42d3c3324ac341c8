"""The event that loads another model: runs the download in a thread and tells the page how far it is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import gradio as gr

from sam2_demo.engines.model_host import LoadedModel, ModelHost
from sam2_demo.errors import DemoError
from sam2_demo.ui import payloads

log = logging.getLogger(__name__)

REPORT_SECONDS = 0.4


class ModelLoading:
    """Handler of the model bar's event."""

    def __init__(self, models: ModelHost) -> None:
        self._models = models

    def load(self, event: gr.EventData) -> Iterator[dict[str, Any]]:
        """Load the model named in the payload; answers with progress, then the models."""
        seq = 0
        try:
            data = payloads.read_payload(event._data)
            seq = payloads.read_int(data, "seq", 2**53)
            job = _LoadJob(self._models, payloads.read_text(data, "source", 200))
            job.start()
            while job.is_alive():
                job.join(REPORT_SECONDS)
                yield {"seq": seq, "step": {"text": job.text, "share": job.share}}
            yield {"seq": seq, "result": {"name": job.loaded().engine.name, **self._models.to_json()}}
        except DemoError as error:
            log.info("model not loaded: %s", error)
            yield {"seq": seq, "error": str(error)}


class _LoadJob(threading.Thread):
    """One load in the background; `text` and `share` (0 to 1, None: not known) say how far it is."""

    def __init__(self, models: ModelHost, source: str) -> None:
        super().__init__(name=f"load {source}", daemon=True)
        self._models = models
        self._source = source
        self._model: LoadedModel | None = None
        self._error: DemoError | None = None
        self.text = f"Loading {source}"
        self.share: float | None = None

    def run(self) -> None:
        """Load, keeping the refusal for the thread that asked."""
        try:
            self._model = self._models.load(self._source, self._report)
        except DemoError as error:
            self._error = error

    def loaded(self) -> LoadedModel:
        """What was loaded, or the refusal."""
        if self._error is not None:
            raise self._error
        if self._model is None:
            raise DemoError(f"loading {self._source} ended without a result; see the server's log")
        return self._model

    def _report(self, text: str, share: float | None) -> None:
        self.text, self.share = text, share
