"""Addresses for masks beside those that prompts give: everything mode's. Every one checks the token."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from sam2_demo.ui.everything import everything_to_json, read_groups, write_everything
from sam2_demo.ui.routes import HEADERS, Endpoint, answering, as_download
from sam2_demo.ui.studio_server import StudioServer


class MaskRoutes:
    """The routes of one server, beside `StudioRoutes`."""

    def __init__(self, server: StudioServer) -> None:
        self.server = server

    def all(self) -> list[Route]:
        """Every route, below /sam2."""
        table: list[tuple[str, Endpoint, str]] = [
            ("s/{token}/everything", self.everything, "GET"),
            ("s/{token}/everything/{kind}", self.everything_file, "GET"),
        ]
        return [Route(f"/sam2/{path}", answering(work), methods=[verb]) for path, work, verb in table]

    def everything(self, request: Request) -> Response:
        """What everything mode found last."""
        workspace = self.server.workspace(request.path_params["token"])
        return JSONResponse(everything_to_json(workspace), headers=HEADERS | {"Cache-Control": "no-store"})

    def everything_file(self, request: Request) -> Response:
        """The masks named in the address as COCO JSON or label map."""
        workspace = self.server.workspace(request.path_params["token"])
        groups = read_groups(request.query_params.get("masks", ""))
        path = write_everything(workspace, request.path_params["kind"], groups)
        return FileResponse(path, headers=as_download(path.name))
