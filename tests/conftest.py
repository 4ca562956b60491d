"""Fixtures for every test: a user folder of its own, and the shared media where there are any."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from assay.provenance.certs import Credentials
    from assay.provenance.trust import Trust

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


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    """Keys to sign with, and the anchor above them."""
    from assay.provenance.certs import ensure_credentials

    return ensure_credentials(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def trust(keys: Credentials) -> Trust:
    """A trust store that knows `keys` alone."""
    from assay.provenance.trust import Trust

    return Trust().add(keys.anchor_pem)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small JPEG of noise."""
    from PIL import Image

    path = tmp_path_factory.mktemp("photo") / "photo.jpg"
    Image.fromarray(np.random.default_rng(4).integers(0, 255, (40, 40, 3), np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def signed(photo: Path, keys: Credentials) -> Path:
    """The photo, signed as taken by a camera."""
    from assay.provenance.sign import Action, Manifest, sign_file

    taken = Manifest(title="photo", actions=(Action(name="c2pa.created", source_type="digitalCapture"),))
    return sign_file(photo, photo.with_name("signed.jpg"), taken, keys).path


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded source of randomness."""
    return np.random.default_rng(20261122)


@pytest.fixture(scope="session")
def makers() -> ModuleType:
    """The module `makers.py` beside this file, which makes media for tests."""
    return _beside("makers")


@pytest.fixture(scope="session")
def corpora() -> ModuleType:
    """The module `corpora.py` beside this file, which makes tiny trees of the published layouts."""
    return _beside("corpora")


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
