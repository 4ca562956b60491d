"""Loading a shipped model: the card first, the digest next, the network last."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .finding import ModelError

WEIGHTS = Path(__file__).parent / "weights"
FORMAT = 1
"""Version of the card's own layout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A network that turns features float32 `[n, inputs]` into raw scores, and how scores become ratios.

    `llr = clip(slope * score + intercept, lowest, highest)` is log10; `calibration` names the set it was learned from.
    """

    name: str
    version: str
    inputs: int
    slope: float
    intercept: float
    lowest: float
    highest: float
    variance: tuple[float, float, float]
    calibration: str
    card: dict[str, Any]
    session: Any
    encoder: Any = None
    """The frozen network between features and lines, where the card names one: kept apart, since it stays."""

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return raw scores `[n]`, higher = spoof. Raises `ModelError` if the features are not of the model's shape."""
        return np.asarray(self.outputs(features, ("score",))["score"], dtype=np.float64).reshape(-1)

    def outputs(
        self, features: NDArray[np.float32], names: Sequence[str] | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """Return the network's outputs by name, all or those in `names`. Raises as `scores`."""
        if features.ndim != 2 or features.shape[1] != self.inputs:
            msg = f"the model {self.name} expects features [n, {self.inputs}], got {features.shape}: retrain it"
            raise ModelError(msg)
        wanted = [one.name for one in self.session.get_outputs()] if names is None else list(names)
        given = np.ascontiguousarray(features, dtype=np.float32)
        if self.encoder is not None:
            given = np.asarray(self.encoder.run(["rows"], {"features": given})[0])
        told = self.session.run(wanted, {"features": given})
        return dict(zip(wanted, told, strict=True))

    def of(self, kind: str) -> Model:
        """Return the model as calibrated for files of a kind ("video"): itself where they have no set of their own."""
        told = self.card.get("calibrations", {}).get(kind)
        return self if told is None else replace(self, **_calibration(told))

    def llr(self, score: float) -> float:
        """Return the calibrated log10 likelihood ratio of a raw score."""
        return float(np.clip(self.scaled(score), self.lowest, self.highest))

    def scaled(self, score: float) -> float:
        """Return `score` as log10 before it is bounded: it tells parts of a file from each other and is no evidence."""
        return float(self.slope * score + self.intercept)

    def spread(self, score: float) -> float:
        """Return half the width of the 95 % interval that the calibration set leaves open, log10."""
        of_slope, of_intercept, of_both = self.variance
        # A score beyond the bounds is known no better than one at them.
        at = float(np.clip(score, *self._bounds())) if self.slope else 0.0
        return float(1.96 * np.sqrt(max(0.0, at * at * of_slope + 2 * at * of_both + of_intercept)))

    def _bounds(self) -> tuple[float, float]:
        """Return the raw scores at which the ratio reaches its bounds."""
        return (self.lowest - self.intercept) / self.slope, (self.highest - self.intercept) / self.slope


@functools.cache
def shipped(name: str) -> Model:
    """Return the shipped model `name`, loaded once a process. Raises `ModelError` if it is missing or damaged."""
    return load(WEIGHTS / f"{name}.onnx", WEIGHTS / f"{name}.json")


def load(network: Path, card: Path) -> Model:
    """Return the model in `network` that `card` describes.

    Raises `ModelError` unless the network's SHA-256 is the card's, the card is of this layout and the golden output
    comes out.
    """
    told = _card(card)
    data = _checked(network, told.get("sha256"))
    try:
        session, encoder = onnx_session(data), _encoder(network.parent, told.get("encoder"))
        model = _model(told, session, encoder)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        msg = f"the model {network.name} cannot be used: {error}"
        raise ModelError(msg) from error
    _check_golden(model)
    return model


def onnx_session(data: bytes) -> Any:  # noqa: ANN401 - an onnxruntime session has no public type
    """Return the network in `data` on ONNX Runtime and one core. Raises `ModelError` if it is no such network."""
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Weights kept as int8 are brought back once, on loading: left so, they are fused otherwise and give other numbers.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    # What ONNX Runtime raises has no other base than `Exception`.
    faults = (state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented)
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except (*faults, state.RuntimeException) as error:
        msg = f"expected a network that ONNX Runtime can run: {error}"
        raise ModelError(msg) from error


def _encoder(folder: Path, told: Any) -> Any:  # noqa: ANN401 - JSON, and an onnxruntime session
    """Return the network in `folder` through which a model reads if its card names one, else `None`."""
    if told is None:
        return None
    path = folder / Path(str(told["file"])).name
    changed = path.stat().st_mtime_ns if path.exists() else 0
    return _shared_encoder(path, str(told["sha256"]), changed)


@functools.lru_cache(maxsize=2)
def _shared_encoder(path: Path, sha256: str, changed: int) -> Any:  # noqa: ANN401 - sessions have no public type
    """Return the encoder in `path` as last `changed`, loaded once for all models that read through it: it is large."""
    del changed
    return onnx_session(_checked(path, sha256))


def _checked(path: Path, expected: object) -> bytes:
    """Return the bytes of `path`. Raises `ModelError` unless they have the `expected` SHA-256."""
    data = _bytes(path)
    digest = hashlib.sha256(data).hexdigest()
    if digest != expected:
        msg = f"expected {path.name} with sha256 {expected}, got {digest}: install the package again"
        raise ModelError(msg)
    return data


def golden_input(inputs: int) -> NDArray[np.float32]:
    """Return the made input on which a card states the score: two rows of a slow sine, float32 `[2, inputs]`."""
    steps = np.arange(2 * inputs, dtype=np.float64)
    return np.sin(steps / 7).reshape(2, inputs).astype(np.float32)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"expected a model at {path}: {error.strerror}"
        raise ModelError(msg) from error


def _card(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(_bytes(path))
    except ValueError as error:
        msg = f"expected a model card in JSON at {path}: {error}"
        raise ModelError(msg) from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        found = told.get("format") if isinstance(told, dict) else type(told).__name__
        msg = f"expected a model card of format {FORMAT} at {path}, got {found}"
        raise ModelError(msg)
    return told


def _model(told: dict[str, Any], session: Any, encoder: Any) -> Model:  # noqa: ANN401 - sessions have no public type
    for other in told.get("calibrations", {}).values():
        _calibration(other)
    return Model(
        name=str(told["name"]),
        version=str(told["version"]),
        inputs=int(told["input"]["size"]),
        **_calibration(told["calibration"]),
        card=told,
        session=session,
        encoder=encoder,
    )


def _calibration(told: dict[str, Any]) -> dict[str, Any]:
    """Return what a card's calibration says, by the names of `Model`. Raises `KeyError` or `ValueError`."""
    slope, intercept, both = told["variance"]
    return {
        "slope": float(told["slope"]),
        "intercept": float(told["intercept"]),
        "lowest": float(told["lowest"]),
        "highest": float(told["highest"]),
        "variance": (float(slope), float(intercept), float(both)),
        "calibration": str(told["set"]),
    }


def _check_golden(model: Model) -> None:
    """Raise `ModelError` unless the network gives the scores its card states, to 1e-3 or the card's tolerance."""
    expected = np.asarray(model.card.get("golden"), dtype=np.float64)
    # A model behind a large encoder states one row alone: each costs as much as a face.
    found = model.scores(golden_input(model.inputs)[: max(1, expected.size)])
    tolerance = float(model.card.get("tolerance", 1e-4))
    if expected.shape != found.shape or not np.allclose(found, expected, rtol=1e-3, atol=tolerance):
        msg = f"the model {model.name} gives {found.tolist()} on the made input, its card says {expected.tolist()}"
        raise ModelError(msg)
