"""Makers of fresh fakes for the benchmark: the generation engines, and simple honest re-syntheses."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from ...media.errors import InputError
from .interface import PURPOSE, Kind, Leave, Maker, Media, Real

__all__ = ["MAKERS", "PURPOSE", "Kind", "Leave", "Maker", "Media", "Real", "maker"]

MAKERS = {
    "hibari-world": ".clone:CloneMaker",
    "hibari": ".spoken:HibariMaker",
    "espeak-ng": ".spoken:EspeakMaker",
    "flite": ".spoken:FliteMaker",
    "kokoro": ".kokoro:KokoroMaker",
    "world-copy": ".copysynthesis:WorldCopyMaker",
    "griffin-lim": ".copysynthesis:GriffinLimMaker",
    "splice": ".splice:SpliceMaker",
    "landmark-swap": ".swap:SwapMaker",
    "self-blend": ".blends:self_blend_maker",
    "morph": ".blends:MorphMaker",
    "inpainted": ".blends:inpainted",
    "reenact": ".warps:reenact",
    "upscaled": ".upscaled:upscaled",
    "regenerated": ".upscaled:regenerated",
    "landmark-swap-film": ".swap:SwapFilmMaker",
    "self-blend-film": ".blends:self_blend_film",
    "reenact-film": ".warps:reenact_film",
    "talking-photo-film": ".warps:talking_photo_film",
    "mouth-dub-film": ".warps:mouth_dub_film",
    "upscaled-film": ".upscaled:upscaled_film",
}
"""Name -> module in this folder and what makes the maker there: eight of speech, seven of pictures, six of films."""


def maker(name: str) -> Maker:
    """Return a new maker of that name. Raises `InputError` for an unknown name, naming the known."""
    if name not in MAKERS:
        msg = f"no maker is named {name!r}: choose from {', '.join(MAKERS)}"
        raise InputError(msg)
    module, _, attribute = MAKERS[name].partition(":")
    return cast("Maker", getattr(import_module(module, __package__), attribute)())
