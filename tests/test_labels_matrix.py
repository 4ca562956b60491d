"""What `publish` writes passes the lint, and whatever one element is taken away, that element fails: a slice.

The whole matrix, all containers and all elements, is benchmarks/label_lint.py.
"""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

_SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "label_lint.py"
_SLICE = {
    "jpg": (
        "visible text blanked",
        "visible text too small",
        "AIGC key missing",
        "AIGC label wrong",
        "AIGC with bad characters",
        "IPTC type missing",
        "manifest stripped",
        "mark removed",
    ),
    "mp3": ("audible notice cut off", "audible notice cut in half", "AIGC missing", "manifest broken"),
    "mp4": ("visible text shown 1 s", "AIGC missing"),
}
_VALUES = {
    "visible text too small": ("gb45438", "text height", pytest.approx(0.036, abs=0.003)),
    "AIGC key missing": ("gb45438", "AIGC keys", 6.0),
    "AIGC missing": ("gb45438", "AIGC keys", 0.0),
    "mark removed": ("eu", "imperceptible mark", 0.0),
    "audible notice cut off": ("gb45438", "audible notice", 0.0),
    "visible text shown 1 s": ("gb45438", "seconds shown", pytest.approx(1.0, abs=0.1)),
}


@pytest.fixture(scope="module")
def matrix() -> ModuleType:
    spec = spec_from_file_location("label_lint", _SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def shop(matrix: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return matrix.Workshop(tmp_path_factory.mktemp("shop"))


@pytest.mark.parametrize("suffix", _SLICE)
def test_what_is_published_passes_every_rule(matrix: ModuleType, shop: Any, suffix: str) -> None:
    measured = matrix.measured(shop, shop.published(suffix))
    assert matrix.wrong(measured) == {}
    assert {one.rule for one in measured} == set(matrix.RULES)


@pytest.mark.parametrize(
    ("suffix", "name"),
    [pytest.param(suffix, name, id=f"{suffix} {name}") for suffix in _SLICE for name in _SLICE[suffix]],
)
def test_an_element_that_is_taken_away_fails_alone_and_with_its_number(
    matrix: ModuleType, shop: Any, suffix: str, name: str
) -> None:
    removal = next(one for one in matrix.REMOVALS if one.name == name)
    faults = matrix.wrong(matrix.measured(shop, shop.without(removal, suffix)))
    assert set(faults) == matrix.expected(removal, matrix.files.kind_of(suffix))
    if name in _VALUES:
        rule, element, value = _VALUES[name]
        assert faults[rule, element].value == value


def test_the_matrix_takes_away_everything_that_is_asked_for(matrix: ModuleType) -> None:
    from assay.provenance.labels import REQUIREMENTS

    taken = {fault for one in matrix.REMOVALS for fault in one.fails}
    assert taken == {(one.rule, one.element) for one in REQUIREMENTS}
