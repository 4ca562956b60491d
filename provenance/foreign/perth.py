"""Perth, the mark in speech that Resemble AI's tools (Chatterbox) write: presence only, no key.

The package `resemble-perth` (MIT) brings the network and its weights; they are read without unpickling objects.
"""

from __future__ import annotations

from pickle import UnpicklingError  # noqa: TID251 (the error alone: `weights_only` raises it)
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...media.audio import resample
from ...media.errors import MissingExtra, WeightsError
from ...media.view import View
from ...media.weights import resolve
from .interface import ForeignMark

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RATE: Final = 32_000  # hertz the network was trained at
_WINDOW: Final = 2.0  # seconds: what the false alarms were measured on
_WINDOWS_MOST: Final = 60
_SHARE: Final = 0.5  # of the windows that must say so, and at least two unless there is only one
_FALSE: Final = "1 % of unmarked 2 s windows say so too (3 of 300 measured); at least half of them had to"


class PerthReader:
    """Says whether speech carries the mark."""

    name = "perth"

    def read(self, view: View) -> tuple[ForeignMark, ...]:
        """Return the mark in a sound; see `ForeignReader`."""
        if view.audio is None:
            return ()
        mono = resample(view.audio.mono(), view.audio.rate, _RATE)
        windows = _loud(mono)
        if not windows:
            return ()
        told = [confidence(window) > 0.5 for window in windows]
        if sum(told) < max(min(2, len(told)), _SHARE * len(told)):
            return ()
        says = (
            f"{sum(told)} of {len(told)} windows of {_WINDOW:g} s say so; {_FALSE}; without a key anybody can write it"
        )
        return (ForeignMark(reader=self.name, scheme="Perth", payload=None, false_alarms=says),)


def _loud(mono: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return up to sixty windows spread over the sound that are not silent."""
    length = int(_WINDOW * _RATE)
    if len(mono) < length:
        return []
    starts = np.unique(np.linspace(0, len(mono) - length, min(_WINDOWS_MOST, len(mono) // length)).astype(int))
    windows = [mono[start : start + length] for start in starts]
    return [window for window in windows if float(np.sqrt(np.mean(np.square(window)))) > 1e-3]


def confidence(window: NDArray[np.float32]) -> float:
    """Return how sure the network is, 0 to 1, of 2 s of sound at 32 kHz. Raises `MissingExtra`, `WeightsError`."""
    import torch

    net = _network()
    with torch.inference_mode():
        magnitudes, _ = net.ap.signal_to_magphase(torch.from_numpy(np.ascontiguousarray(window)))
        return float(net.decoder(magnitudes[None])[0].clip(0.0, 1.0))


_kept: dict[str, Any] = {}


def _network() -> Any:  # noqa: ANN401 - the package has no types
    if "net" not in _kept:
        _kept["net"] = _load()
    return _kept["net"]


def _load() -> Any:  # noqa: ANN401
    import warnings

    weights = resolve("perth")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package finds its folder by pkg_resources, which says it is old
            import torch
            from perth.perth_net.perth_net_implicit.config import PerthConfig
            from perth.perth_net.perth_net_implicit.model.perth_net import PerthNet
    except ImportError as error:
        feature = "reading Perth marks"
        raise MissingExtra(feature, "foreign") from error
    import yaml

    try:
        told = yaml.safe_load(weights.with_name("hparams.yaml").read_text(encoding="utf-8"))
        net = PerthNet(PerthConfig(**told))
        state = torch.load(weights, map_location="cpu", weights_only=True)
        net.load_state_dict(state["model"])
    except (OSError, KeyError, TypeError, RuntimeError, UnpicklingError, yaml.YAMLError) as error:
        msg = f"the weights of Perth at {weights} cannot be used: {error}"
        raise WeightsError(msg) from error
    return net.eval()
