"""TrustMark (Adobe, variant Q): 100 bits in a picture, some of them for correcting errors; no key.

The package `trustmark` brings network and code; its weights are pulled and pinned by the user (`docs/models.md`), and
read without unpickling objects.
"""

from __future__ import annotations

from math import comb
from pickle import UnpicklingError  # noqa: TID251 (the error alone: `weights_only` raises it)
from typing import Any, Final

from ...media.errors import MissingExtra, WeightsError
from ...media.view import View
from ...media.weights import resolve
from .interface import KEYLESS, ForeignMark

_BITS: Final = 100
_CODED: Final = 96  # the other four tell the code
_SIDE: Final = 245  # pixels to which the picture is brought
_NARROW: Final = 2.0  # from this ratio of sides on only the middle square is marked
# Schema -> name, errors that its code mends, bits of its check (trustmark, datalayer.py)
_CODES: Final = {0: ("BCH_SUPER", 8, 56), 1: ("BCH_5", 5, 35), 2: ("BCH_4", 4, 28), 3: ("BCH_3", 3, 21)}


class TrustMarkReader:
    """Says whether a picture carries a code word of TrustMark's."""

    name = "trustmark"

    def read(self, view: View) -> tuple[ForeignMark, ...]:
        """Return the mark in a picture; see `ForeignReader`."""
        if view.still is None:
            return ()
        text, found, schema = _decoded(_soft_bits(view.still.pixels) > 0)
        if not found or schema not in _CODES:
            return ()
        chance = chance_of_a_code_word(schema)
        says = (
            f"of random bits {chance:.1e} are words of this code ({_CODES[schema][0]}); how random the bits of "
            f"unmarked pictures are was not measured here; {KEYLESS}"
        )
        return (ForeignMark(reader=self.name, scheme="TrustMark", payload=f"{schema}*{text}", false_alarms=says),)


def chance_of_a_code_word(schema: int) -> float:
    """Return the share of random bits that the code of a schema takes for a word of its own."""
    _, mended, check = _CODES[schema]
    return float(min(1.0, sum(comb(_CODED, wrong) for wrong in range(mended + 1)) / 2.0**check))


def _soft_bits(pixels: Any) -> Any:  # noqa: ANN401 - arrays of two libraries
    """Return the network's 100 numbers, positive for one."""
    import torch
    from PIL import Image

    height, width = pixels.shape[:2]
    picture = Image.fromarray(pixels)
    if max(height, width) > _NARROW * min(height, width):
        side = min(height, width)
        left, top = (width - side) // 2, (height - side) // 2
        picture = picture.crop((left, top, left + side, top + side))
    small = picture.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    import numpy as np

    data = torch.from_numpy(np.asarray(small, np.float32).transpose(2, 0, 1).copy())[None] / 127.5 - 1.0
    with torch.inference_mode():
        return network()(data).numpy()


def _decoded(bits: Any) -> tuple[str, bool, int]:  # noqa: ANN401
    """Return the message as bits, whether they are a code word, and the schema."""
    layer = _package("trustmark.datalayer").DataLayer(_BITS, verbose=False, encoding_mode=1)
    text, found, schema = layer.decode_bitstream(bits, "binary")[0]
    return str(text), bool(found), int(schema)


def build() -> Any:  # noqa: ANN401 - the package has no types
    """Return the network of the true architecture with random weights."""
    return _package("trustmark.unet").SecretDecoder(arch="resnet50", resolution=224, secret_len=_BITS).eval()


_kept: dict[str, Any] = {}


def network() -> Any:  # noqa: ANN401
    """Return the network with its weights. Raises `MissingExtra`, `WeightsError`."""
    weights = resolve("trustmark-q")
    if str(weights) not in _kept:
        import torch

        net = build()
        try:
            told = torch.load(weights, map_location="cpu", weights_only=True)
            state = told.get("state_dict", told)
            own = {key.removeprefix("decoder."): one for key, one in state.items() if key.startswith("decoder.")}
            inner = {key if key.startswith("decoder.") else f"decoder.{key}": one for key, one in own.items()}
            net.load_state_dict(inner)
        except (RuntimeError, AttributeError, KeyError, ValueError, OSError, UnpicklingError) as error:
            msg = f"the weights of TrustMark at {weights} cannot be used: {error}"
            raise WeightsError(msg) from error
        _kept[str(weights)] = net
    return _kept[str(weights)]


def _package(module: str) -> Any:  # noqa: ANN401
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        feature = "reading TrustMark marks"
        raise MissingExtra(feature, "foreign") from error
