"""Runs a Python detector: a path a line comes in, an answer a line goes out.

This file is handed as text to the interpreter that the card names, which need not have Assay: the standard library
alone is used, and the first thing done is to put the working folder last on the path, so that no folder of the user's
shadows a library.
"""

from __future__ import annotations

import sys

sys.path[:] = [place for place in sys.path if place not in ("", ".")]

import contextlib  # noqa: E402
import importlib  # noqa: E402
import importlib.util  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
from typing import Any, TextIO  # noqa: E402

_DEATH = 1  # PR_SET_PDEATHSIG, linux/prctl.h
_KILL = 9


def _die_with_the_parent() -> None:
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_DEATH, _KILL)


def _function(target: str) -> Any:  # noqa: ANN401 - the user's own
    module, _, name = target.rpartition(":")
    if module.endswith(".py"):
        spec = importlib.util.spec_from_file_location("detector", module)
        if spec is None or spec.loader is None:
            raise ImportError(module)
        loaded = importlib.util.module_from_spec(spec)
        sys.modules["detector"] = loaded
        spec.loader.exec_module(loaded)
    else:
        sys.path.append(os.getcwd())  # noqa: PTH109 - the interpreter may be old
        loaded = importlib.import_module(module)
    return getattr(loaded, name)


def _answer(score: Any, path: str) -> str:  # noqa: ANN401
    try:
        found = score(path)
        if found is None or isinstance(found, dict):
            return json.dumps(found, default=float)
        return json.dumps(float(found))
    except Exception as error:  # noqa: BLE001 - whatever the detector raises is its answer
        return json.dumps({"error": type(error).__name__ + ": " + str(error)})


def main(target: str) -> None:
    """Answer every path on stdin until it ends; what the detector prints goes to stderr."""
    _die_with_the_parent()
    out: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    score = _function(target)
    out.write('{"ready": true}\n')
    out.flush()
    for line in sys.stdin:
        out.write(_answer(score, line.rstrip("\n")) + "\n")
        out.flush()


if __name__ == "__main__":
    main(sys.argv[1])
