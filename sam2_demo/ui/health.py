"""Addresses for those who watch a server: whether it is alive, and whether it can take new work."""

from __future__ import annotations

import shutil

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sam2_demo.ui.studio_server import StudioServer

UNCACHED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def health_routes(server: StudioServer) -> list[Route]:
    """/healthz answers from the event loop alone; /readyz says 503 where new sessions are refused."""

    async def alive(_request: Request) -> Response:
        return JSONResponse({"alive": True}, headers=UNCACHED)

    def ready(_request: Request) -> Response:
        limits, root = server.settings.limits, server.settings.data_dir
        free = shutil.disk_usage(root if root.is_dir() else root.absolute().parent).free
        checks = {"model": bool(server.models.default), "disk": free >= limits.min_free_gb * 1e9}
        status = 200 if all(checks.values()) else 503
        return JSONResponse({"ready": status == 200, **checks}, status_code=status, headers=UNCACHED)

    return [Route("/healthz", alive), Route("/readyz", ready)]
