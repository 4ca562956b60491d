"""Writing a trained classifier as an ONNX network with its card."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...datasets.corpus import Item
from ...media.errors import MissingExtra
from ..model import FORMAT, golden_input, onnx_session
from .calibration import Calibration
from .fit import Heads
from .table import F32, TrainingError

OPSET = 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a card says beside the numbers: name, version, input in words, data, paper, metrics and how it was made."""

    name: str
    version: str
    about: str
    input: str
    calibration_set: str
    calibrations: Mapping[str, tuple[Calibration, str]] = field(default_factory=dict)
    """Kind of files ("video") -> their own calibration and its set, where they differ from the others'."""
    papers: tuple[str, ...]
    data: list[dict[str, Any]]
    metrics: dict[str, Any]
    training: dict[str, Any] = field(default_factory=dict)
    hears: dict[str, Any] = field(default_factory=dict)
    """What else the card's `input` says: front end and samples of a network that hears frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A frozen network, from `features` to `rows`, that lies in a `file` of its own beside the lines that read it."""

    file: str
    data: bytes
    about: str

    def card(self) -> dict[str, Any]:
        """Return what the card of a model that reads through it says of it."""
        digest = hashlib.sha256(self.data).hexdigest()
        return {"file": self.file, "sha256": digest, "size": len(self.data), "about": self.about}

    def reader(self) -> Callable[[F32], F32]:
        """Return what turns features `[n, inputs]` into rows, one after the other on one core, as a scan does."""
        session = onnx_session(self.data)

        def read(features: F32) -> F32:
            return np.concatenate([session.run(["rows"], {"features": one[None]})[0] for one in features])

        return read


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A network as ONNX, how many numbers it takes, and what it gave on `golden_input` before it was exported."""

    data: bytes
    inputs: int
    own: NDArray[np.float64]
    tolerance: float = 1e-4
    """How far its scores may differ from one machine to another."""
    encoder: Frozen | None = None
    """What stands before it: then `inputs` are the encoder's, and `own` is the score of the first golden row alone."""


def export(heads: Heads, calibration: Calibration, facts: Facts, out: Path) -> tuple[Path, Path]:
    """Write `<name>.onnx` and `<name>.json` into `out` and return their paths.

    Raises `MissingExtra` without onnx and `TrainingError` if the network does not give the heads' own scores.
    """
    inputs = len(heads.weights)
    own = heads.scores(golden_input(inputs))
    return publish(Exported(data=network(heads), inputs=inputs, own=own), calibration, facts, out)


def publish(exported: Exported, calibration: Calibration, facts: Facts, out: Path) -> tuple[Path, Path]:
    """Write `<name>.onnx` and `<name>.json` into `out` and return their paths.

    Raises `TrainingError` if the network does not give on ONNX Runtime what it gave before.
    """
    given = golden_input(exported.inputs)
    if exported.encoder is not None:
        given = exported.encoder.reader()(given[:1])
    golden = onnx_scores(exported.data, given)
    if not np.allclose(golden, exported.own, rtol=1e-3, atol=max(1e-3, exported.tolerance)):
        msg = f"the exported network gives {golden.tolist()}, before {exported.own.tolist()}: their versions do not fit"
        raise TrainingError(msg)
    card = _card(exported, calibration, facts) | {"golden": [round(float(score), 6) for score in golden]}
    out.mkdir(parents=True, exist_ok=True)
    if exported.encoder is not None:
        card["encoder"] = exported.encoder.card()
        _write(out / exported.encoder.file, exported.encoder.data)
    text = (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode()
    return _write(out / f"{facts.name}.onnx", exported.data), _write(out / f"{facts.name}.json", text)


def traced(network: Any, example: F32, outputs: Sequence[str]) -> bytes:  # noqa: ANN401 - torch is not imported here
    """Return a network of torch's as ONNX, from `features` `[n, ...]` like `example` to `outputs`, each `[n, ...]`."""
    import torch

    buffer, names = io.BytesIO(), ["features", *outputs]
    with warnings.catch_warnings(), torch.inference_mode(mode=False), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter by tracing is deprecated; its follower needs onnxscript
        torch.onnx.export(
            network,
            (torch.from_numpy(example),),
            buffer,  # type: ignore[arg-type] # the exporter by tracing writes to one, the follower's signature hides it
            dynamo=False,
            input_names=names[:1],
            output_names=names[1:],
            dynamic_axes={name: {0: "n"} for name in names},
            opset_version=OPSET,
        )
    return buffer.getvalue()


def _calibration(calibration: Calibration, learned_from: str) -> dict[str, Any]:
    return {
        "set": learned_from,
        "slope": round(calibration.slope, 6),
        "intercept": round(calibration.intercept, 6),
        "lowest": round(calibration.lowest, 4),
        "highest": round(calibration.highest, 4),
        "variance": [round(value, 8) for value in calibration.variance],
        "items": calibration.items,
        "groups": calibration.groups,
    }


def _card(exported: Exported, calibration: Calibration, facts: Facts) -> dict[str, Any]:
    """Return the card, but for its golden output."""
    others = {kind: _calibration(*told) for kind, told in facts.calibrations.items()}
    return {
        "format": FORMAT,
        "name": facts.name,
        "version": facts.version,
        "about": facts.about,
        "source": "trained in this repository by detect/train",
        "licence": "Apache-2.0",
        "sha256": hashlib.sha256(exported.data).hexdigest(),
        "size": len(exported.data),
        "input": {"size": exported.inputs, "about": facts.input} | facts.hears,
        "tolerance": exported.tolerance,
        "calibration": _calibration(calibration, facts.calibration_set),
        **({"calibrations": others} if others else {}),
        "papers": list(facts.papers),
        "training_data": facts.data,
        "metrics": facts.metrics,
        "training": facts.training,
    }


def onnx_scores(data: bytes, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what the network gives, `[n]`."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    (scores,) = session.run(["score"], {"features": features})
    return np.asarray(scores, dtype=np.float64).reshape(-1)


def _write(path: Path, data: bytes) -> Path:
    """Write `data` to `path` by way of a temporary name in its folder."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
    return path


def network(heads: Heads) -> bytes:
    """Return the heads as ONNX: from `features` float32 `[n, inputs]` to `score` `[n, 1]`, raw, higher = spoof."""
    try:
        import onnx
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        feature = "exporting a trained model"
        raise MissingExtra(feature, "train") from error
    # Only differences between heads matter, so the bona fide head is taken from the others: fewer and smaller numbers.
    weights = (heads.weights[:, 1:] - heads.weights[:, :1]).astype(np.float32)
    offsets = (heads.offsets[1:] - heads.offsets[0]).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["features", "weights", "offsets"], ["heads"]),
            helper.make_node("ReduceLogSumExp", ["heads"], ["score"], axes=[1], keepdims=1),
        ],
        "heads",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", len(weights)])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["n", 1])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(offsets, "offsets")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def halved(data: bytes) -> bytes:
    """Return the network in `data` with each weight that half precision holds exactly stored in it: the same numbers.

    Casts bring them back to single precision when the network is loaded. Raises `MissingExtra` without onnx.
    """
    try:
        import onnx
        from onnx import helper, numpy_helper
    except ImportError as error:
        feature = "exporting a trained model"
        raise MissingExtra(feature, "train") from error
    model = onnx.load_from_string(data)
    casts = []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < 1024 or not np.array_equal(values, values.astype(np.float16)):
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name} in half"))
        casts.append(helper.make_node("Cast", [f"{name} in half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def sources(items: Sequence[Item]) -> list[dict[str, Any]]:
    """Return what a model was trained on: for each licence the number of bona fide and spoof items, and the makers."""
    out = []
    for licence in sorted({item.licence for item in items}):
        chosen = [item for item in items if item.licence == licence]
        out.append(
            {
                "licence": licence or "not stated",
                "bona_fide": sum(not item.spoof for item in chosen),
                "spoof": sum(item.spoof for item in chosen),
                "makers": sorted({item.maker for item in chosen if item.spoof}),
            }
        )
    return out
