"""AudioSeal (Meta): a detector for every sample of speech, with 16 bits; no key.

The package `audioseal` brings the network and its settings; the weights are pulled and pinned by the user
(`docs/models.md`), and read without unpickling objects.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from pickle import UnpicklingError  # noqa: TID251 (the error alone: `weights_only` raises it)
from typing import Any, Final

import numpy as np

from ...media.audio import resample
from ...media.errors import MissingExtra, WeightsError
from ...media.view import View
from ...media.weights import resolve
from .interface import ForeignMark

_RATE: Final = 16_000
_PIECE: Final = 10  # seconds that go through the network at once
_PIECES_MOST: Final = 30
_PRESENT: Final = 0.5  # of the samples must be called marked, as the makers' own threshold says
_SAYS: Final = (
    "{share:.0%} of the samples are called marked; its makers give no rate of false alarms for a file, users "
    "report human voices that were called marked; without a key anybody can write it"
)


class AudioSealReader:
    """Says whether speech carries the mark, and its 16 bits."""

    name = "audioseal"

    def read(self, view: View) -> tuple[ForeignMark, ...]:
        """Return the mark in a sound; see `ForeignReader`."""
        if view.audio is None:
            return ()
        mono = resample(view.audio.mono(), view.audio.rate, _RATE)
        if len(mono) < _RATE or float(np.abs(mono).max()) < 1e-4:
            return ()
        share, bits = measure(network(), mono)
        if share <= _PRESENT:
            return ()
        payload = f"{int(''.join(str(int(bit > 0.5)) for bit in bits), 2):04x}"
        says = _SAYS.format(share=share)
        return (ForeignMark(reader=self.name, scheme="AudioSeal", payload=payload, false_alarms=says),)


def measure(net: Any, mono: np.ndarray[Any, np.dtype[np.float32]]) -> tuple[float, np.ndarray[Any, Any]]:  # noqa: ANN401
    """Return the share of samples that are called marked, and the mean of each bit, over pieces of 10 s."""
    import torch

    length = _PIECE * _RATE
    marked, told, bits = 0.0, 0, []
    for start in range(0, min(len(mono), _PIECES_MOST * length), length):
        piece = mono[start : start + length]
        if len(piece) < _RATE:
            break
        with torch.inference_mode():
            result, message = net(torch.from_numpy(np.ascontiguousarray(piece, np.float32))[None, None])
        marked += float((result[:, 1, :] > _PRESENT).sum())
        told += result.shape[-1]
        bits.append(message[0].numpy())
    return marked / told, np.mean(bits, axis=0)


def build() -> Any:  # noqa: ANN401 - the package has no types
    """Return the network of the package's own settings with random weights."""
    import yaml

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the package compiles by torch.jit
            import audioseal
            from audioseal.builder import AudioSealDetectorConfig, DetectorConfig, SEANetConfig, create_detector
    except ImportError as error:
        feature = "reading AudioSeal marks"
        raise MissingExtra(feature, "foreign") from error
    card = Path(str(audioseal.__file__)).parent / "cards" / "audioseal_detector_16bits.yaml"
    told = yaml.safe_load(card.read_text(encoding="utf-8"))
    config = AudioSealDetectorConfig(
        nbits=told["nbits"],
        seanet=SEANetConfig(**{**told["seanet"], "norm": "none"}),
        detector=DetectorConfig(**told["detector"]),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it uses torch's old weight norm
        return create_detector(config).eval()


_kept: dict[str, Any] = {}


def network() -> Any:  # noqa: ANN401
    """Return the network with its weights. Raises `MissingExtra`, `WeightsError`."""
    weights = resolve("audioseal")
    if str(weights) not in _kept:
        net = build()
        load(net, weights)
        _kept[str(weights)] = net
    return _kept[str(weights)]


def load(net: Any, weights: Path) -> None:  # noqa: ANN401
    """Put the published weights into the network. Raises `WeightsError` if they are none."""
    import torch
    from audioseal.loader import convert_state_dict_for_scriptable_model, load_state_dict

    try:
        told = torch.load(weights, map_location="cpu", weights_only=True)
        state = told.get("model", told)
        names = set(net.state_dict())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if set(state) == names:
                net.load_state_dict(state)
            else:  # older names, as the published file has them: the package knows how they changed
                load_state_dict(net, convert_state_dict_for_scriptable_model(state))
    except (RuntimeError, AttributeError, KeyError, ValueError, OSError, UnpicklingError, AssertionError) as error:
        msg = f"the weights of AudioSeal at {weights} cannot be used: {error}"
        raise WeightsError(msg) from error
