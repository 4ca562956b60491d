"""Every step by its name. Names without a number draw their strength; films take a picture's step frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from .. import codecs
from . import films, filters, overlays, pictures, rawboost, rooms, social, sounds
from .step import Step

_SQUEEZE = ("acompressor", "threshold=0.05:ratio=6:attack=5:release=120:makeup=3")

_SOUND_STEPS: dict[str, Step] = {
    "mp3-64k": Step(about="MP3, 64 kbit/s a channel", audio=partial(sounds.coded, codec=codecs.MP3)),
    "aac-64k": Step(about="AAC-LC, 64 kbit/s a channel", audio=partial(sounds.coded, codec=codecs.AAC)),
    "opus-24k": Step(about="Opus, 24 kbit/s a channel", audio=partial(sounds.coded, codec=codecs.OPUS)),
    "telephone": Step(about="300 to 3400 Hz at 8 kHz, 8-bit mu-law (G.711)", audio=sounds.telephone),
    "noise-10": Step(about="pink noise at 10 dB below the sound", audio=partial(sounds.noise, decibels=10.0)),
    "noise-15": Step(about="pink noise at 15 dB below the sound", audio=partial(sounds.noise, decibels=15.0)),
    "noise-20": Step(about="pink noise at 20 dB below the sound", audio=partial(sounds.noise, decibels=20.0)),
    "noise-30": Step(about="pink noise at 30 dB below the sound", audio=partial(sounds.noise, decibels=30.0)),
    "resample": Step(about="down to a drawn rate of 11 to 24 kHz and back", audio=sounds.resampled),
    "gain": Step(about="louder or softer by up to 12 dB, never clipped", audio=sounds.gain),
    "reverb": Step(about="a made room, decay time 0.15 to 0.6 s", audio=rooms.reverb),
    "trim": Step(about="silence at both ends cut off", audio=sounds.trim),
    "lowpass": Step(about="nothing above a drawn edge of 3.4 to 7 kHz", audio=sounds.lowpass),
    "mp3-128k": Step(
        about="MP3, 128 kbit/s a channel", audio=partial(sounds.coded, codec=codecs.MP3, bit_rate=128_000)
    ),
    "mp3-32k": Step(about="MP3, 32 kbit/s a channel", audio=partial(sounds.coded, codec=codecs.MP3, bit_rate=32_000)),
    "aac-32k": Step(
        about="AAC-LC, 32 kbit/s a channel", audio=partial(sounds.coded, codec=codecs.AAC, bit_rate=32_000)
    ),
    "opus-12k": Step(
        about="Opus, 12 kbit/s a channel", audio=partial(sounds.coded, codec=codecs.OPUS, bit_rate=12_000)
    ),
    "amr-nb": Step(about="AMR narrow band, 12.2 kbit/s at 8 kHz", audio=partial(sounds.coded, codec=codecs.AMR_NB)),
    "g711-alaw": Step(about="8 kHz, 8-bit A-law (G.711)", audio=partial(sounds.coded, codec=codecs.G711_ALAW)),
    "resample-8k": Step(about="down to 8 kHz and back", audio=partial(sounds.at_rate, rate=8000)),
    "resample-16k": Step(about="down to 16 kHz and back", audio=partial(sounds.at_rate, rate=16_000)),
    "loud-clipped": Step(about="twice as loud, cut at full scale", audio=partial(sounds.overdriven, factor=2.0)),
    "bits-8": Step(about="in steps of 8 bits", audio=partial(sounds.coarse, bits=8)),
    "inverted": Step(about="polarity turned", audio=sounds.inverted),
    "speed": Step(about="speed and pitch together, drawn within 10 %", audio=filters.speed),
    "speed-0.9": Step(about="0.9 times the speed and pitch", audio=partial(filters.speed, factor=0.9)),
    "speed-1.1": Step(about="1.1 times the speed and pitch", audio=partial(filters.speed, factor=1.1)),
    "tempo": Step(about="tempo alone (overlap-add), drawn within 10 %", audio=filters.tempo),
    "tempo-0.9": Step(about="0.9 times the tempo, pitch kept", audio=partial(filters.tempo, factor=0.9)),
    "tempo-1.1": Step(about="1.1 times the tempo, pitch kept", audio=partial(filters.tempo, factor=1.1)),
    "pitch": Step(about="pitch alone, drawn within 10 %", audio=filters.pitch),
    "pitch-0.9": Step(about="0.9 times the pitch, tempo kept", audio=partial(filters.pitch, factor=0.9)),
    "pitch-1.1": Step(about="1.1 times the pitch, tempo kept", audio=partial(filters.pitch, factor=1.1)),
    "equaliser": Step(about="four drawn bells of up to 9 dB, 100 Hz to 6 kHz", audio=filters.equaliser),
    "compressor": Step(about="dynamic compression 6 to 1", audio=partial(filters.filtered, filters=(_SQUEEZE,))),
    "denoise": Step(
        about="noise suppression (spectral)", audio=partial(filters.filtered, filters=(("afftdn", "nr=12:nf=-40"),))
    ),
    "room": Step(about="a drawn room of mirror images, decay time 0.2 to 0.6 s", audio=rooms.room),
    "rerecord": Step(about="a small loudspeaker recorded in a drawn room, noise at 25 dB", audio=rooms.recorded),
    "rawboost-convolutive": Step(about="a drawn device: notches and distortion (RawBoost)", audio=rawboost.convolutive),
    "rawboost-impulsive": Step(about="impulses as strong as the sound (RawBoost)", audio=rawboost.impulsive),
    "rawboost-stationary": Step(
        about="steady noise of a drawn colour, 10 to 40 dB (RawBoost)", audio=rawboost.stationary
    ),
}

_PICTURE_STEPS: dict[str, Step] = {
    "jpeg-90": Step(about="JPEG, quality 90", image=partial(pictures.jpeg, quality=90)),
    "jpeg-70": Step(about="JPEG, quality 70", image=partial(pictures.jpeg, quality=70)),
    "jpeg-50": Step(about="JPEG, quality 50", image=partial(pictures.jpeg, quality=50)),
    "jpeg-30": Step(about="JPEG, quality 30", image=partial(pictures.jpeg, quality=30)),
    "jpeg-70-444": Step(about="JPEG, quality 70, 4:4:4", image=partial(pictures.jpeg, quality=70, chroma="4:4:4")),
    "webp-70": Step(about="WebP, quality 70", image=partial(pictures.webp, quality=70)),
    "webp-50": Step(about="WebP, quality 50", image=partial(pictures.webp, quality=50)),
    "avif-50": Step(about="AVIF, quality 50", image=partial(pictures.avif, quality=50)),
    "gif": Step(about="GIF: 256 colours, errors diffused", image=pictures.gif),
    "h264-intra-crf28": Step(about="the only frame of an H.264 film, crf 28", image=partial(pictures.intra, crf=28)),
    "chroma": Step(about="colours at half the width and height (4:2:0)", image=pictures.chroma),
    "half": Step(about="half the width and height", image=partial(pictures.resized, scale=0.5)),
    "resize": Step(about="scaled by a drawn factor of 0.5 to 1.5", image=pictures.resized_at_random),
    "scale-0.4": Step(about="0.4 times the width and height", image=partial(pictures.resized, scale=0.4)),
    "scale-0.75": Step(about="0.75 times the width and height", image=partial(pictures.resized, scale=0.75)),
    "scale-1.5": Step(about="1.5 times the width and height", image=partial(pictures.resized, scale=1.5)),
    "scale-2": Step(about="twice the width and height", image=partial(pictures.resized, scale=2.0)),
    "crop": Step(about="up to a tenth cut off each side", image=pictures.crop),
    "area-90": Step(about="nine tenths of the area, at a drawn place", image=partial(pictures.area, share=0.9)),
    "area-50": Step(about="half of the area, at a drawn place", image=partial(pictures.area, share=0.5)),
    "area-10": Step(about="a tenth of the area, at a drawn place", image=partial(pictures.area, share=0.1)),
    "turn-1": Step(
        about="turned by 1 degree to a drawn side, corners black", image=partial(pictures.turned, degrees=1.0)
    ),
    "turn-5": Step(
        about="turned by 5 degrees to a drawn side, corners black", image=partial(pictures.turned, degrees=5.0)
    ),
    "turn-5-cut": Step(
        about="turned by 5 degrees to a drawn side, corners cut off",
        image=partial(pictures.turned, degrees=5.0, inside=True),
    ),
    "mirror": Step(about="left and right exchanged", image=pictures.mirrored),
    "framed": Step(about="bars around it, 4 to 12 % of a side each", image=pictures.framed),
    "blur": Step(about="Gaussian blur, sigma 0.5 to 1.5 pixels", image=pictures.blur),
    "blur-2": Step(about="Gaussian blur, sigma 2 pixels", image=partial(pictures.blurred, sigma=2.0)),
    "median-3": Step(about="median of 3 by 3 pixels", image=partial(pictures.median, side=3)),
    "sharpen": Step(about="unsharp mask, sigma 1, amount 0.8", image=pictures.sharpen),
    "grain": Step(about="Gaussian noise, sigma 2 to 8 of 255", image=pictures.grain),
    "grain-10": Step(about="Gaussian noise, sigma 10 of 255", image=partial(pictures.noisy, sigma=10.0)),
    "gamma": Step(about="brightness curve, exponent 0.7 to 1.4", image=pictures.gamma),
    "gamma-0.67": Step(about="brightness curve, exponent 0.67", image=partial(pictures.power, exponent=0.67)),
    "gamma-1.5": Step(about="brightness curve, exponent 1.5", image=partial(pictures.power, exponent=1.5)),
    "brightness-0.7": Step(about="0.7 times as bright", image=partial(pictures.line, gain=0.7)),
    "brightness-1.3": Step(about="1.3 times as bright, cut at white", image=partial(pictures.line, gain=1.3)),
    "contrast-0.7": Step(about="0.7 times the contrast", image=partial(pictures.line, gain=0.7, about=128.0)),
    "contrast-1.3": Step(
        about="1.3 times the contrast, cut at both ends", image=partial(pictures.line, gain=1.3, about=128.0)
    ),
    "grey": Step(about="without colour", image=pictures.grey),
    "words": Step(about="a line of words on a dark band", image=overlays.words),
    "sticker": Step(about="a yellow face, 15 to 25 % of the shorter side", image=overlays.sticker),
    "screenshot": Step(about="scaled by 0.6 to 0.95, sharpened, JPEG 85", image=pictures.screenshot),
}

_FILM_STEPS: dict[str, Step] = {
    "h264-crf23": Step(about="H.264 at constant rate factor 23", film=partial(films.coded, codec=codecs.h264(23))),
    "h264-crf28": Step(about="H.264 at constant rate factor 28", film=partial(films.coded, codec=codecs.h264(28))),
    "h264-crf35": Step(about="H.264 at constant rate factor 35", film=partial(films.coded, codec=codecs.h264(35))),
    "h264-frames-crf28": Step(
        about="H.264 at 28, every frame alone", film=partial(films.coded, codec=codecs.h264(28, intra=True))
    ),
    "h265-crf28": Step(about="H.265 at constant rate factor 28", film=partial(films.coded, codec=codecs.h265(28))),
    "h265-crf35": Step(about="H.265 at constant rate factor 35", film=partial(films.coded, codec=codecs.h265(35))),
    "vp9-crf40": Step(about="VP9 at constant quality 40", film=partial(films.coded, codec=codecs.vp9(40))),
    "half-frames": Step(about="every other frame left out", film=films.every_other),
    "lost-frames": Step(about="a drawn tenth of the frames left out", film=partial(films.lossy, share=0.1)),
    "rate-15": Step(about="15 frames a second, nearest frames", film=partial(films.at_rate, rate=15.0)),
    "rate-24": Step(about="24 frames a second, nearest frames", film=partial(films.at_rate, rate=24.0)),
}

_SHARED_STEPS: dict[str, Step] = {
    "cut-1s": Step(
        about="one second from a drawn place",
        audio=partial(sounds.cut, seconds=1.0),
        span=partial(films.drawn_span, seconds=1.0),
    ),
    "cut-3s": Step(
        about="three seconds from a drawn place",
        audio=partial(sounds.cut, seconds=3.0),
        span=partial(films.drawn_span, seconds=3.0),
    ),
    "social-feed": Step(
        about="as in a feed: 1080 pixels a side, JPEG 78; 1280, H.264 crf 26; AAC 64 kbit/s",
        audio=social.feed_sound,
        image=social.feed_picture,
        film=social.feed_film,
    ),
    "social-messenger": Step(
        about="as passed on: 1280 pixels a side, JPEG 65; 848, H.264 crf 30; 16 kHz, Opus 24 kbit/s",
        audio=social.messenger_sound,
        image=social.messenger_picture,
        film=social.messenger_film,
    ),
}

STEPS: Mapping[str, Step] = MappingProxyType({**_SOUND_STEPS, **_PICTURE_STEPS, **_FILM_STEPS, **_SHARED_STEPS})
