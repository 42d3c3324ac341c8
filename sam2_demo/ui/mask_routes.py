"""Addresses for masks that no prompt gave: everything mode's, imported ones, references. Every one checks the token."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from sam2_demo.errors import DemoError
from sam2_demo.sessions.everything_files import write_everything
from sam2_demo.sessions.imported_masks import take_masks
from sam2_demo.ui.everything import everything_to_json, read_groups
from sam2_demo.ui.payloads import safe_name
from sam2_demo.ui.reference import reference_to_json
from sam2_demo.ui.routes import HEADERS, Endpoint, StudioRoutes, answering, as_download, refusal, refusal_of


class MaskRoutes(StudioRoutes):
    """The routes of one server, beside those of `StudioRoutes`, from which it has the reading of uploads."""

    def all(self) -> list[Route]:
        """Every route, below /sam2."""
        table: list[tuple[str, Endpoint, str]] = [
            ("s/{token}/everything", self.everything, "GET"),
            ("s/{token}/everything/{kind}", self.everything_file, "GET"),
            ("s/{token}/reference", self.reference, "GET"),
        ]
        routes = [Route(f"/sam2/{path}", answering(work), methods=[verb]) for path, work, verb in table]
        return [*routes, Route("/sam2/s/{token}/import-masks", self.import_masks, methods=["POST"])]

    def everything(self, request: Request) -> Response:
        """What everything mode found last."""
        session = self.server.session(request.path_params["token"])
        return JSONResponse(everything_to_json(session), headers=HEADERS | {"Cache-Control": "no-store"})

    def everything_file(self, request: Request) -> Response:
        """The masks named in the address as COCO JSON or label map."""
        session = self.server.session(request.path_params["token"])
        groups = read_groups(request.query_params.get("masks", ""))
        path = write_everything(session, request.path_params["kind"], groups)
        return FileResponse(path, headers=as_download(path.name))

    def reference(self, request: Request) -> Response:
        """Reference masks with the scores of the session's masks against them."""
        found = reference_to_json(self.server.session(request.path_params["token"]))
        return JSONResponse(found, headers=HEADERS | {"Cache-Control": "no-store"})

    async def import_masks(self, request: Request) -> Response:
        """Take a file of masks: as prompts of a frame, which the page then gives, or as reference."""
        name = safe_name(unquote(request.headers.get("x-file-name", "")))
        part = self.server.settings.data_dir / "none"
        try:
            session = await run_in_threadpool(self._session, request)
            # The formats tell files apart by their endings.
            part = session.folder / f".import-{uuid.uuid4().hex[:8]}{Path(name).suffix.lower()[:5]}"
            await self._receive(request, part)
            query: dict[str, Any] = dict(request.query_params)
            answer = await self._read_file(take_masks, session, part, name, query)
        except ClientDisconnect:
            return refusal(400, "the upload was broken off")
        except DemoError as error:
            return refusal_of(error, str(error).replace(str(part), name).replace(part.name, name))
        finally:
            part.unlink(missing_ok=True)
        return JSONResponse(answer, headers=HEADERS)
