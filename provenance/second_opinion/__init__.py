"""A second opinion on manifests, by a reader of our own that shares no code with c2pa-rs.

`second_opinion` finds the manifest store in jpeg, png, riff (wav, webp, avi) and bmff (mp4, mov, heif, avif) files,
reads its boxes (JUMBF, CBOR), checks the signature and the certificates behind it (COSE, X.509), the time stamp and the
revocation answer, every statement, the hash of the content and every ingredient, and gives the same numbered steps as
`verify`. `disagreements` tells where the two differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .compare import Disagreement, disagreements
    from .opinion import Opinion, second_opinion

__all__ = ["Disagreement", "Opinion", "disagreements", "second_opinion"]

_FROM = {"Disagreement": "compare", "disagreements": "compare", "Opinion": "opinion", "second_opinion": "opinion"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any of the names above
    """Import what is asked for: the boxes alone are needed by every verification, the rest rarely."""
    from importlib import import_module

    if name not in _FROM:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_FROM[name]}"), name)
