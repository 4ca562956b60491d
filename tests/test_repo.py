"""The house keeps its own rules: who may import whom, what is packaged, what is documented."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("media", "provenance", "datasets", "generate", "detect", "eval", "service")
MAY_IMPORT = {
    "media": set(),
    "provenance": {"media"},
    "datasets": {"media"},
    "generate": {"media", "provenance"},
    "detect": {"media", "provenance", "datasets"},
    "eval": {"media", "provenance", "datasets", "generate", "detect"},
    "service": {"media", "provenance", "datasets", "generate", "detect", "eval"},
}
CATALOGUES = {
    "assay.detect:CATALOGUE": "docs/detectors.md",
    "assay.detect.audio.frontends:FRONTENDS": "docs/detectors.md",
    "assay.detect.train.eyes:EYES": "docs/detectors.md",
    "assay.detect.train.networks:NETWORKS": "docs/detectors.md",
    "assay.media.faces:FINDERS": "docs/faces.md",
    "assay.generate.face:ENGINES": "docs/faces.md",
    "assay.generate.voice:ENGINES": "docs/voice.md",
    "assay.provenance.foreign:FOREIGN": "docs/foreign-marks.md",
    "assay.provenance.marks:SCHEMES": "docs/marks.md",
    "assay.provenance.shelves:SHELVES": "docs/resolution.md",
    "assay.datasets.launder:CHAINS": "docs/laundering.md",
    "assay.datasets.layouts:LAYOUTS": "docs/datasets.md",
    "assay.eval.makers:MAKERS": "docs/bench.md",
    "assay.eval.plugins:WAYS": "docs/bench.md",
    "assay.eval.calibration:METHODS": "docs/metrics.md",
    "assay.eval.metrics:WAYS": "docs/metrics.md",
}


def _sources() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def _imported_rooms(path: Path) -> set[str]:
    """Return the rooms that a source file imports, by following its relative imports."""
    here = path.relative_to(ROOT).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) - node.level + 1]
            named = (*base, *(node.module or "").split(".")) if node.module else base
            targets = [named] if named else [(alias.name,) for alias in node.names]
            found |= {target[0] for target in targets if target and target[0] in ROOMS}
    return found


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_the_rooms_that_the_design_allows(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    assert _imported_rooms(path) - {room} <= MAY_IMPORT[room]


def test_the_import_table_here_is_the_one_in_the_design() -> None:
    rows = re.findall(r"^\| `(\w+)/` \|[^|]*\| ([^|]+?) \|$", (ROOT / "docs/design.md").read_text(), re.MULTILINE)
    written = {room: words for room, words in rows if room in ROOMS}
    assert set(written) == set(ROOMS)
    for room, words in written.items():
        named = {
            "nothing of ours": set(),
            "all": set(ROOMS) - {room},
            "all but service": set(ROOMS) - {room, "service"},
        }
        assert named.get(words, set(re.findall(r"\w+", words))) == MAY_IMPORT[room], room


def test_no_source_imports_the_package_by_its_absolute_name() -> None:
    wrong = [
        path
        for path in _sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "assay")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "assay" for alias in node.names))
    ]
    assert wrong == []


def test_the_package_list_names_every_folder_with_code() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {path.parent for path in _sources() if path.name == "__init__.py"}
    assert {path.parent for path in _sources()} == folders, "a folder with code lacks its __init__.py"
    assert sorted(listed) == sorted(["assay", *(".".join(("assay", *f.relative_to(ROOT).parts)) for f in folders)])


@pytest.mark.parametrize("room", [*ROOMS, "provenance.marks", "provenance.labels", "eval.metrics", "media.faces"])
def test_all_of_a_room_names_things_that_are_there(room: str) -> None:
    module = import_module(f"assay.{room}")
    exported = getattr(module, "__all__", [])
    assert sorted(set(exported)) == sorted(exported), "a name is listed twice"
    assert [name for name in exported if not hasattr(module, name)] == []


@pytest.mark.parametrize("where", CATALOGUES)
def test_every_catalogue_entry_is_documented_and_can_be_loaded(where: str) -> None:
    module_name, _, attribute = where.partition(":")
    module = import_module(module_name)
    text = (ROOT / CATALOGUES[where]).read_text()
    for name, target in getattr(module, attribute).items():
        assert f"`{name}`" in text, f"{name} is not described in {CATALOGUES[where]}"
        if isinstance(target, str) and re.fullmatch(r"\.?[\w.]+:\w+", target):
            file, _, thing = target.partition(":")
            package = (
                module_name if (ROOT / Path(*module_name.split(".")[1:])).is_dir() else module_name.rpartition(".")[0]
            )
            assert hasattr(import_module(file, package), thing), target


def test_the_help_blocks_of_the_readme_are_what_help_prints() -> None:
    blocks = re.findall(r"^```\n\$ assay ([^\n]*--help)\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    assert blocks, "the README shows no help"
    for arguments, shown in blocks:
        assert shown == _assay(*arguments.split()).stdout, f"assay {arguments}: run it and copy what it prints"


@pytest.mark.parametrize("module", ["assay.service.cli", "assay.provenance.verify", "assay.detect", "assay.media"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    heavy = "torch|av|cv2|PIL|scipy|sklearn|mediapipe|jax|onnxruntime|matplotlib|c2pa|rich"
    code = f"import sys, {module}; print(sorted(set('{heavy}'.split('|')) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip() == "[]"


def test_the_lock_pins_with_hashes_and_names_no_index() -> None:
    text = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^[a-z0-9_.-]+==\S+.*\\$", text, re.MULTILINE | re.IGNORECASE)
    assert len(pins) > 100
    assert len(re.findall(r"^[a-z0-9_.-]+==", text, re.MULTILINE | re.IGNORECASE)) == len(pins), "a pin has no hash"
    assert not re.search(r"https?://|find-links|index-url", text)


def test_sources_stay_short() -> None:
    long = {str(p.relative_to(ROOT)): n for p in _sources() if (n := len(p.read_text().splitlines())) > 320}
    assert long == {}


def _assay(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("assay")
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True, env=environment)
