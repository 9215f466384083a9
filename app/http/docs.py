"""`/docs`: the API described by OpenAPI and shown by Swagger UI, from files of this machine."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

router = APIRouter(include_in_schema=False)

SWAGGER_UI = Path(str(files("fastapi_offline") / "static"))
"""Swagger UI as the package fastapi-offline carries it; nothing else of that package is used."""

# Swagger UI sets style attributes as it draws, so this page alone allows inline styles.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API · Birthmark</title>
<link rel="stylesheet" href="{root}/docs/files/swagger-ui.css">
<link rel="icon" href="{root}/static/icon.svg" type="image/svg+xml">
</head>
<body>
<div id="swagger-ui" data-openapi="{root}/openapi.json"><noscript>This page needs JavaScript. The
description itself is at <a href="{root}/openapi.json">openapi.json</a>.</noscript></div>
<script src="{root}/docs/files/swagger-ui-bundle.js"></script>
<script src="{root}/static/docs.js"></script>
</body>
</html>
"""


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Show the API."""
    root = request.scope.get("root_path", "")
    return HTMLResponse(_PAGE.format(root=root), headers={"Content-Security-Policy": _POLICY})


def swagger_files() -> StaticFiles:
    """Swagger UI's own files."""
    return StaticFiles(directory=SWAGGER_UI)
