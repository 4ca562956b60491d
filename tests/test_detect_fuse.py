"""The verdict follows its stated rules, and absence is never evidence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from assay.detect import fuse as fusion
from assay.detect.declared import LLR_LABEL, LLR_TRUSTED, LLR_UNTRUSTED, DeclaredDetector
from assay.detect.finding import Evidence, Finding, Skipped
from assay.detect.fuse import Conclusion, Verdict, fuse
from assay.detect.marks import LLR_MOST, MarksDetector
from assay.media.image import Still
from assay.media.view import View
from assay.provenance.labels.interface import Label
from assay.provenance.marks.interface import Mark
from assay.provenance.verification import State, Verification
from hypothesis import given
from hypothesis import strategies as st

TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
AI = {"actions": [{"action": "c2pa.created", "source_type": TRAINED}]}
ratio = st.floats(-3.5, 3.5)


@pytest.fixture(scope="module")
def view() -> View:
    return View.of(Still(pixels=np.zeros((32, 32, 3), np.uint8)))


def _finding(llr: float, modality: Any = "audio", spread: float = 0.0) -> Finding:
    return Finding(
        detector=f"{modality} {llr}",
        version="1",
        llr=llr,
        calibration="made up",
        note="",
        modality=modality,
        spread=spread,
    )


def _evidence(view: View, state: State = State.ABSENT, **more: Any) -> Evidence:
    facts = more.pop("facts", {})
    return Evidence(view=view, verification=Verification(state=state, checks=(), facts=facts), **more)


def _verdict(view: View, *findings: Finding, skipped: tuple[Skipped, ...] = (), **more: Any) -> Verdict:
    return fuse(findings, skipped, _evidence(view, **more))


def test_skipping_everything_is_not_a_clean_bill(view: View) -> None:
    verdict = _verdict(view, skipped=(Skipped(detector="audio", why="no sound"),))
    assert verdict.conclusion is Conclusion.NOT_EXAMINED
    assert not verdict.complete
    assert verdict.llr == 0.0


@pytest.mark.parametrize(
    ("llr", "spread", "wanted"),
    [
        pytest.param(1.0, 0.5, Conclusion.LIKELY, id="ten to one"),
        pytest.param(1.2, 1.3, Conclusion.INCONCLUSIVE, id="interval reaches zero"),
        pytest.param(0.99, 0.1, Conclusion.INCONCLUSIVE, id="just short"),
        pytest.param(0.3, 0.1, Conclusion.INCONCLUSIVE, id="two to one"),
        pytest.param(0.29, 0.1, Conclusion.NOTHING_FOUND, id="below"),
        pytest.param(-3.0, 0.1, Conclusion.NOTHING_FOUND, id="speaks for bona fide"),
    ],
)
def test_conclusions_follow_the_stated_thresholds(view: View, llr: float, spread: float, wanted: Conclusion) -> None:
    assert _verdict(view, _finding(llr, spread=spread)).conclusion is wanted


@given(ratio, ratio)
def test_two_modalities_join_as_alternatives(sound: float, picture: float) -> None:
    joined, _ = fusion._measured([_finding(sound, "audio"), _finding(picture, "visual")])
    one, two = 10.0**sound, 10.0**picture
    assert joined == pytest.approx(math.log10((one + two + one * two) / 3.0), abs=1e-9)


@given(st.lists(ratio, min_size=1, max_size=5))
def test_repeating_a_detector_never_inflates_the_evidence(llrs: list[float]) -> None:
    joined, _ = fusion._measured([_finding(llr) for llr in llrs])
    assert min(llrs) - 1e-9 <= joined <= max(llrs) + 1e-9


def test_a_fake_voice_is_not_excused_by_a_clean_picture(view: View) -> None:
    verdict = _verdict(view, _finding(2.0, "audio"), _finding(-2.0, "visual"))
    assert verdict.llr > 1.5
    assert verdict.conclusion is Conclusion.LIKELY


def test_no_verdict_claims_more_than_was_measured(view: View) -> None:
    verdict = _verdict(view, _finding(9.0), _finding(9.0, "visual"))
    assert verdict.llr == fusion.LLR_BOUND
    assert verdict.interval[1] <= fusion.LLR_BOUND


@pytest.mark.parametrize(
    ("state", "llr"), [(State.TRUSTED, LLR_TRUSTED), (State.RECOVERED, LLR_TRUSTED), (State.UNTRUSTED, LLR_UNTRUSTED)]
)
def test_a_manifest_that_declares_ai_is_declared_synthetic(view: View, state: State, llr: float) -> None:
    evidence = _evidence(view, state, facts=AI)
    findings = DeclaredDetector().examine(evidence)
    assert isinstance(findings, tuple)
    verdict = fuse(findings, (), evidence)
    assert (verdict.conclusion, verdict.llr) == (Conclusion.DECLARED, llr)


def test_an_invalid_manifest_says_altered_and_is_no_measure_of_synthesis(view: View) -> None:
    evidence = _evidence(view, State.INVALID, facts=AI)
    findings = DeclaredDetector().examine(evidence)
    assert isinstance(findings, tuple)
    verdict = fuse(findings, (), evidence)
    assert (verdict.conclusion, verdict.llr) == (Conclusion.ALTERED, 0.0)


@pytest.mark.parametrize("state", list(State))
def test_declaring_nothing_is_no_evidence(view: View, state: State) -> None:
    evidence = _evidence(view, state)
    answer = DeclaredDetector().examine(evidence)
    if state is not State.INVALID:
        assert isinstance(answer, Skipped)
        assert not answer.failed
    assert isinstance(MarksDetector().examine(evidence), Skipped)


def test_withheld_provenance_is_skipped_not_read(view: View) -> None:
    answer = DeclaredDetector().examine(Evidence(view=view, verification=None))
    assert isinstance(answer, Skipped)
    assert "withheld" in answer.why


def test_labels_and_marks_declare_and_only_the_strongest_counts(view: View) -> None:
    label = Label(rule="iptc", form="metadata", says="synthetic")
    mark = Mark(scheme="image", payload=7, p_false_alarm=1e-12)
    evidence = _evidence(view, labels=(label, label), marks=(mark,))
    findings = [f for d in (DeclaredDetector(), MarksDetector()) for f in d.examine(evidence) if isinstance(f, Finding)]
    assert [f.llr for f in findings] == [LLR_LABEL, LLR_LABEL, LLR_MOST]
    verdict = fuse(tuple(findings), (), evidence)
    assert (verdict.conclusion, verdict.llr) == (Conclusion.DECLARED, LLR_MOST)


def test_a_weak_mark_counts_for_its_own_false_alarm_probability(view: View) -> None:
    evidence = _evidence(view, marks=(Mark(scheme="image", payload=None, p_false_alarm=0.01),))
    findings = MarksDetector().examine(evidence)
    assert isinstance(findings, tuple)
    assert findings[0].llr == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("more", "llr", "words"),
    [
        pytest.param({"state": State.TRUSTED}, 1.5, "yet a detector finds traces", id="signed but looks fake"),
        pytest.param(
            {"state": State.UNTRUSTED, "marks": (Mark(scheme="a", payload=1, p_false_alarm=1e-9),)},
            -1.0,
            "the manifest declares nothing synthetic",
            id="mark without declaration",
        ),
        pytest.param(
            {"state": State.TRUSTED, "labels": (Label(rule="iptc", form="metadata", says="synthetic"),)},
            -1.0,
            "a metadata label says AI",
            id="label without declaration",
        ),
        pytest.param(
            {
                "state": State.TRUSTED,
                "facts": {**AI, "soft_bindings": [{"alg": "x", "value": f"{2:016x}"}]},
                "marks": (Mark(scheme="a", payload=1, p_false_alarm=1e-9),),
            },
            -1.0,
            "moved from another work",
            id="transplanted mark",
        ),
    ],
)
def test_conflicts_are_told(view: View, more: dict[str, Any], llr: float, words: str) -> None:
    verdict = _verdict(view, _finding(llr), **more)
    assert any(words in conflict for conflict in verdict.conflicts), verdict.conflicts


def test_a_detector_that_broke_makes_the_scan_incomplete(view: View) -> None:
    broken = Skipped(detector="visual", why="its model is missing", failed=True)
    idle = Skipped(detector="visual", why="no picture")
    assert not _verdict(view, _finding(0.0), skipped=(broken,)).complete
    assert _verdict(view, _finding(0.0), skipped=(idle,)).complete


@pytest.mark.parametrize("llr", [math.nan, math.inf])
def test_a_finding_without_a_number_cannot_exist(llr: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        _finding(llr)
