"""`assay serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import AnchorOption, trust_with
from .recovery import MarkKeyOption, StoreOption, mark_keys


def serve(
    *,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; only this machine if not given.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 8000,
    at_once: Annotated[int, typer.Option("--at-once", min=0, help="Files examined at a time; 0 = one a core.")] = 0,
    store: StoreOption = None,
    mark_key: MarkKeyOption = None,
    anchor: AnchorOption = None,
) -> None:
    """Answer scans and verifications over HTTP: POST a file to /v1/scan or /v1/verify.

    A file over 256 MiB is answered with 413; where eight wait for each place, or an answer takes 15
    minutes, with 503 and Retry-After; where the disk has no room for it, with 507.

    Under /c2pa the manifests in the store are handed out to anybody who has their mark, by the C2PA
    soft binding resolution API; its description is at /c2pa/openapi.json.
    """
    from ...media.errors import MissingExtra
    from ...provenance.durable import Store
    from ..api import make_app
    from ..door import Door
    from ..lookup import Lookup

    lookup = Lookup(store=Store(store), keys=mark_keys(tuple(mark_key or ())))
    app = make_app(trust_with(anchor), lookup=lookup, door=Door(at_once=at_once))
    try:
        import uvicorn
    except ImportError as error:
        feature = "the web service"
        raise MissingExtra(feature, "service") from error
    uvicorn.run(app, host=host, port=port, log_level="warning")
