"""Fixtures for every test: a user folder of its own, and the shared media where there are any."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@dataclass(frozen=True)
class Said:
    """What a verb printed, and the exit code it ended with."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run a verb in this process, through the same `main` as the console script."""
    from assay.service import cli

    def once(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["assay", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        captured = capfd.readouterr()
        return Said(code, captured.out, captured.err)

    return once


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every test an empty user folder, so that none reads or writes the real one."""
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared real media and weights; the test is skipped, saying so, where it is absent."""
    if not (SHARED / "media").is_dir():
        pytest.skip("the shared media folder is not beside the checkout")
    return SHARED


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded source of randomness."""
    return np.random.default_rng(20261122)


@pytest.fixture(scope="session")
def makers() -> ModuleType:
    """The module `makers.py` beside this file, which makes media for tests."""
    return _beside("makers")


@pytest.fixture(scope="session")
def outside() -> ModuleType:
    """The module `outside.py` beside this file, which runs what a log's checkpoint is anchored in."""
    return _beside("outside")


def _beside(name: str) -> ModuleType:
    spec = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
