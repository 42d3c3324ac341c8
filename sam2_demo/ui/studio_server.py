"""What the page's routes and events share: settings, models, open sessions, and how sessions come to be."""

from __future__ import annotations

import gc
import logging
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path

from sam2_demo.device import give_back_memory
from sam2_demo.engines.engine import Engine
from sam2_demo.engines.model_host import ModelHost
from sam2_demo.errors import BusyError, DemoError, InputError, SessionError, WeightsError
from sam2_demo.sessions.clip_session import ClipSession
from sam2_demo.sessions.opening import OPENERS, reopen, stored_model
from sam2_demo.sessions.registry import SessionRegistry
from sam2_demo.sessions.session import Session
from sam2_demo.sessions.storage import SessionStorage
from sam2_demo.sessions.tokens import new_token
from sam2_demo.sessions.visitors import LOCAL
from sam2_demo.ui.examples import Example, list_examples
from sam2_demo.ui.settings import AppSettings

log = logging.getLogger(__name__)

SWEEP_SECONDS = 60.0


class StudioServer:
    """One per running app; `run` is another text after every start, so that pages notice a restart."""

    def __init__(self, settings: AppSettings, models: ModelHost) -> None:
        self.settings = settings
        self.models = models
        limits = settings.limits
        self.sessions: SessionRegistry[Session] = SessionRegistry(limits.max_sessions, limits.idle_minutes * 60)
        self.examples: dict[str, Example] = {e.name: e for e in list_examples(settings.examples_dir)}
        self.storage = SessionStorage(settings.data_dir, limits)
        self.run = new_token()
        self._reopening = threading.Lock()
        self._closing = threading.Event()

    def start_sweeping(self) -> None:
        """Close idle sessions in the background until `close` is called."""
        threading.Thread(target=self._sweep_loop, name="session-sweeper", daemon=True).start()

    def close(self) -> None:
        """Stop the background work."""
        self._closing.set()

    def stop_tasks(self) -> None:
        """Have running tasks end after the frame they are at; their pages are told."""
        self._closing.set()
        for session in self.sessions.open_sessions():
            session.cancel.set()

    def wait_for_tasks(self, seconds: float) -> None:
        """Wait until tasks have ended, and bring everything to the disk."""
        until = time.monotonic() + seconds
        sessions = self.sessions.open_sessions()
        while any(session.is_busy() for session in sessions) and time.monotonic() < until:
            time.sleep(0.05)
        for session in sessions:
            with suppress(DemoError):
                session.stored.flush()

    def open_file(self, kind: str, token: str, source: Path, name: str, model: str | None) -> Session:
        """Make a session of a file that lies in its folder; on failure the folder goes, the error is raised."""
        try:
            engine = self.models.engine(model)
            session = OPENERS[kind](token, source, name, engine, self.settings.limits)
            self._keep(token, session)
        except DemoError:
            self.storage.delete(token)
            raise
        return session

    def open_example(self, name: str, model: str | None, visitor: str = LOCAL) -> Session:
        """A new session on one of the examples; InputError for an unknown name."""
        example = self.examples.get(name)
        if example is None:
            raise InputError(f"there is no example {name[:40]!r}; examples are {', '.join(self.examples) or 'none'}")
        token, folder = self.storage.create(visitor, example.path.stat().st_size)
        source = folder / f"source{example.path.suffix}"
        shutil.copyfile(example.path, source)
        return self.open_file(example.kind, token, source, example.path.name, model)

    def session(self, token: object, model: object = None) -> Session:
        """The session of a token, on the model that the page has chosen."""
        try:
            session = self.sessions.get(token)
        except SessionError:
            session = self._reopen(token)
        session.stored.touch()
        if isinstance(model, str) and model != session.engine.name:
            session.use_engine(self.models.engine(model))
        return session

    def video(self, token: object, model: object = None) -> ClipSession:
        """As `session`, for what only clips can do."""
        return self.session(token, model).as_clip()

    def forget(self, token: str) -> None:
        """Close a session and delete everything that it holds."""
        self.sessions.remove(token)
        self.storage.delete(token)

    def _reopen(self, token: object) -> Session:
        """A session that is stored but not in memory: after a restart of the server or a long pause."""
        folder = self.storage.find(token)
        engine = self._engine_of(stored_model(folder))  # may take minutes, for which others need not wait
        with self._reopening:
            if token in self.sessions:
                return self.sessions.get(token)
            session = reopen(str(token), folder, engine, self.settings.limits)
            self._keep(str(token), session)
            return session

    def _keep(self, token: str, session: Session) -> None:
        """Have a session among the open ones; where there is no place for it, nothing of it stays in memory."""
        try:
            self.sessions.add(token, session)
        except BusyError:
            session.close()
            raise

    def _engine_of(self, name: str | None) -> Engine:
        """The model that a stored session was made with, loaded again if need be; else the default one."""
        try:
            return self.models.engine(name) if name is None else self.models.load(name).engine
        except WeightsError as error:
            log.warning("a session's model %r cannot be had: %s", name, error)
            return self.models.engine(None)

    def sweep(self) -> None:
        """Close idle sessions, delete old folders, and give their memory back."""
        closed = self.sessions.sweep()
        if closed:
            log.info("%d idle session(s) left memory", closed)
            gc.collect()
            give_back_memory()
        self.storage.sweep(self.sessions.tokens())

    def _sweep_loop(self) -> None:
        while not self._closing.wait(min(SWEEP_SECONDS, self.settings.limits.idle_minutes * 30)):
            try:
                self.sweep()
            except Exception:
                log.exception("idle sessions could not be swept; it is tried again later")
