"""Through a codec and back, in memory: what a lossy format leaves of a sound, a picture or a film."""

from .audio import AAC, AMR_NB, G711_ALAW, MP3, OPUS, AudioCodec, through_audio
from .film import FilmCodec, h264, h265, rate_of, through_film, vp9
from .picture import through_gif, through_picture

__all__ = [
    "AAC",
    "AMR_NB",
    "G711_ALAW",
    "MP3",
    "OPUS",
    "AudioCodec",
    "FilmCodec",
    "h264",
    "h265",
    "rate_of",
    "through_audio",
    "through_film",
    "through_gif",
    "through_picture",
    "vp9",
]
