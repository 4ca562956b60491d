"""How corpora are laid out on disk: one file a family, the catalogue here. An adapter reads, it never moves a byte."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from ..corpus import CorpusError
from .interface import Layout

__all__ = ["LAYOUTS", "Layout", "layout"]

LAYOUTS: Mapping[str, str] = MappingProxyType(
    {
        "index": "assay.datasets.layouts.index:IndexLayout",
        "faces": "assay.datasets.layouts.collected:FacesLayout",
        "speech": "assay.datasets.layouts.collected:SpeechLayout",
        "folder": "assay.datasets.layouts.folder:FolderLayout",
    }
)
"""Name -> "module:Class", tried in this order by `corpus.read`."""


def layout(name: str) -> Layout:
    """Return the adapter called `name`. Raises `CorpusError` if there is none."""
    if name not in LAYOUTS:
        msg = f"expected a corpus layout out of {', '.join(LAYOUTS)}, got {name!r}"
        raise CorpusError(msg)
    module, _, kind = LAYOUTS[name].partition(":")
    adapter: Layout = getattr(import_module(module), kind)()
    return adapter
