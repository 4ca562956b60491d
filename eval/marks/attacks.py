"""Which launderings the marks are held against: those that they are meant to survive, and harder ones beyond."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

GOALS: Mapping[str, float] = MappingProxyType({"image": 0.95, "audio": 0.95, "film": 0.90})
"""Least share of media that must still give their id after each attack of `MEANT`."""

MEANT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "image": (
            *("none", "jpeg-50", "webp-50", "scale-0.4", "half", "scale-2", "area-50", "turn-5", "turn-5-cut"),
            *(
                "screenshot",
                "brightness-0.7",
                "brightness-1.3",
                "contrast-0.7",
                "contrast-1.3",
                "gamma-0.67",
                "gamma-1.5",
            ),
            *("blur", "grain", "chroma", "gif", "social-feed", "social-messenger"),
        ),
        "audio": (
            *("none", "cut-3s", "speed-0.9", "speed-1.1", "pitch-0.9", "pitch-1.1", "mp3-64k", "aac-64k", "opus-24k"),
            *("resample-8k", "resample-16k", "noise-20", "room", "reverb", "equaliser", "loud-clipped", "compressor"),
            "telephone",
        ),
        "film": (
            *("none", "h264-crf28", "h264-crf35", "h265-crf28", "h265-crf35", "half", "half-frames", "lost-frames"),
            *("rate-15+h264-crf28", "rate-24+h264-crf28", "cut-3s+h264-crf28", "half+h264-crf28"),
            *("h264-crf28+h265-crf28", "h264-crf28+vp9-crf40", "half+h264-crf28+h265-crf28"),
        ),
    }
)
BEYOND: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "image": (
            *("jpeg-30", "avif-50", "h264-intra-crf28", "blur-2", "median-3", "sharpen", "grain-10", "grey", "crop"),
            *("area-10", "area-50+jpeg-70", "turn-5-cut+jpeg-70", "framed", "mirror", "words+sticker+jpeg-70"),
            "screenshot+social-feed",
        ),
        "audio": (
            *("cut-1s", "cut-3s+mp3-64k", "tempo-0.9", "tempo-1.1", "mp3-32k", "opus-12k", "amr-nb", "g711-alaw"),
            *("noise-10", "noise-15", "denoise", "bits-8", "inverted", "rerecord", "telephone+amr-nb"),
            *("telephone+noise-20", "social-messenger"),
        ),
        "film": (
            *("half+h264-crf35", "vp9-crf40", "crop+h264-crf23", "area-50", "turn-1", "words", "gamma", "grain-10"),
            *("social-feed", "social-messenger", "social-feed+social-messenger"),
        ),
    }
)
PEERED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "image": (
            *("none", "jpeg-50", "webp-50", "half", "area-50", "turn-5", "screenshot", "brightness-1.3", "gamma-1.5"),
            *("blur", "gif", "social-feed"),
        ),
        "audio": MEANT["audio"] + ("tempo-1.1", "rerecord"),
        "film": ("none", "h264-crf28", "half+h264-crf28", "half-frames"),
    }
)
"""What the schemes of others meet: some of them need seconds for a picture."""


def attacks_on(kind: str) -> tuple[str, ...]:
    """Return every attack on `kind` (`image`, `audio` or `film`), the meant ones first."""
    return MEANT[kind] + BEYOND[kind]
