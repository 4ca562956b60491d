"""`assay serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import AnchorOption, trust_with


def serve(
    *,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; only this machine if not given.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 8000,
    anchor: AnchorOption = None,
) -> None:
    """Answer scans and verifications over HTTP: POST a file to /v1/scan or /v1/verify."""
    from ...media.errors import MissingExtra
    from ..api import make_app

    app = make_app(trust_with(anchor))
    try:
        import uvicorn
    except ImportError as error:
        feature = "the web service"
        raise MissingExtra(feature, "service") from error
    uvicorn.run(app, host=host, port=port, log_level="warning")
