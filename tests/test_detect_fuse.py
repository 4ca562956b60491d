"""The verdict follows its stated rules, and absence is never evidence."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from assay.detect import fuse as fusion
from assay.detect.declared import LLR_LABEL, LLR_TRUSTED, LLR_UNTRUSTED, DeclaredDetector
from assay.detect.finding import Evidence, Finding, Skipped
from assay.detect.fuse import Conclusion, Verdict, fuse
from assay.detect.marks import LLR_MOST, MarksDetector
from assay.detect.model import WEIGHTS, shipped
from assay.media.image import Still
from assay.media.view import View
from assay.provenance.labels.interface import Label
from assay.provenance.marks.interface import Mark
from assay.provenance.verification import Check, State, Verification
from hypothesis import given, settings
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


def test_a_finding_without_calibration_explains_and_neither_weighs_nor_examines(view: View) -> None:
    cue = Finding(detector="pulse", version="1", llr=0.0, calibration="uncalibrated", note="72", modality="visual")
    alone = _verdict(view, cue)
    assert alone.conclusion is Conclusion.NOT_EXAMINED
    assert not alone.rests, "and no ratio is told"
    assert not alone.complete
    measured = _finding(0.8, "visual")
    assert _verdict(view, measured, cue).llr == _verdict(view, measured).llr
    assert cue in _verdict(view, measured, cue).findings
    with pytest.raises(ValueError, match="weighs nothing"):
        Finding(detector="pulse", version="1", llr=0.5, calibration="uncalibrated", note="", modality="visual")


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


@given(st.lists(ratio, min_size=1, max_size=3), ratio, st.sampled_from(["audio", "visual"]))
def test_one_more_detector_moves_a_verdict_no_further_than_its_own_evidence(
    llrs: list[float], more: float, modality: str
) -> None:
    before, _ = fusion._measured([_finding(llr, "visual") for llr in llrs])
    after, _ = fusion._measured([*(_finding(llr, "visual") for llr in llrs), _finding(more, modality)])
    # Never beyond what it says itself, what the others say, or, where it looked at something else, both together.
    together = [before, more] if modality == "visual" else [before, more, before + more]
    assert min(together) - 1e-9 <= after <= max(together) + 1e-9
    if modality == "visual":
        assert abs(after - before) <= abs(more - before) / (len(llrs) + 1) + 1e-9


# A frozen encoder has no card of its own: that of the line behind it names it.
LEARNED = sorted(path.stem for path in WEIGHTS.glob("*.onnx") if not path.stem.endswith("-encoder"))


@pytest.mark.parametrize("name", LEARNED)
@settings(deadline=None)  # the first case loads the model
@given(raw=st.floats(-1e6, 1e6))
def test_no_learned_detector_says_more_than_its_calibration_set_supports(name: str, raw: float) -> None:
    card = json.loads((WEIGHTS / f"{name}.json").read_text())
    for kind, told in {"": card["calibration"], **card.get("calibrations", {})}.items():
        model = shipped(name).of(kind)
        said = float(np.clip(told["slope"] * raw + told["intercept"], told["lowest"], told["highest"]))
        assert model.llr(raw) == pytest.approx(said)
        # The bound after Vergeer et al.: a ratio beyond one more than the groups of a class rests on no observation.
        most = math.log10(told["groups"] + 1)
        assert -most <= told["lowest"] <= 0.0 <= told["highest"] <= most
        verdict, _ = fusion._measured([_finding(model.llr(raw))])
        assert told["lowest"] <= verdict <= told["highest"]


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


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        pytest.param(3, Conclusion.ALTERED, id="signature"),
        pytest.param(9, Conclusion.ALTERED, id="assertions"),
        pytest.param(10, Conclusion.ALTERED, id="content"),
        pytest.param(2, Conclusion.INVALID, id="form"),
        pytest.param(5, Conclusion.INVALID, id="expired certificate"),
        pytest.param(8, Conclusion.INVALID, id="revoked certificate"),
    ],
)
def test_only_a_changed_file_is_called_altered_and_neither_measures_synthesis(
    view: View, step: int, wanted: Conclusion
) -> None:
    failed = Check(step=step, name="a step", outcome="fail", sentence="it does not hold")
    verification = Verification(state=State.INVALID, checks=(failed,), facts=AI)
    evidence = Evidence(view=view, verification=verification)
    findings = DeclaredDetector().examine(evidence)
    assert isinstance(findings, tuple)
    verdict = fuse(findings, (), evidence)
    assert (verdict.conclusion, verdict.llr) == (wanted, 0.0)
    assert "it does not hold" in findings[0].note


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"marks": (Mark(scheme="a", payload=1, p_false_alarm=1e-30),)}, id="mark"),
        pytest.param({"labels": (Label(rule="iptc", form="metadata", says="synthetic"),)}, id="label"),
    ],
)
def test_what_anybody_can_write_does_not_overrule_a_trusted_manifest(view: View, more: dict[str, Any]) -> None:
    evidence = _evidence(view, State.TRUSTED, **more)
    answers = [detector.examine(evidence) for detector in (DeclaredDetector(), MarksDetector())]
    findings = [finding for answer in answers if isinstance(answer, tuple) for finding in answer]
    verdict = fuse((*findings, _finding(-0.4)), (), evidence)
    assert verdict.conclusion is Conclusion.INCONCLUSIVE
    assert verdict.llr == pytest.approx(-0.4)
    assert verdict.conflicts


def test_a_camera_label_beside_a_generators_mark_is_a_conflict_without_any_manifest(view: View) -> None:
    label = Label(rule="iptc", form="metadata", says="captured")
    mark = Mark(scheme="a", payload=1, p_false_alarm=1e-9)
    assert any("camera original" in c for c in _verdict(view, labels=(label,), marks=(mark,)).conflicts)


def test_computed_media_is_not_said_to_be_made_by_ai(view: View) -> None:
    computed = {"actions": [{"action": "c2pa.created", "source_type": TRAINED.replace("trainedA", "a")}]}
    answer = DeclaredDetector().examine(_evidence(view, State.TRUSTED, facts=computed))
    assert isinstance(answer, tuple)
    assert "computed without AI" in answer[0].note


def test_a_synthetic_part_is_told_apart_from_a_synthetic_whole(view: View) -> None:
    part = {"title": "x", "state": "trusted", "relationship": "componentOf", **AI}
    whole = {**part, "relationship": "parentOf"}
    prompt = {**part, "relationship": "inputTo"}
    notes = []
    for node in (part, whole):
        answer = DeclaredDetector().examine(_evidence(view, State.TRUSTED, facts={"ingredients": [node]}))
        assert isinstance(answer, tuple)
        notes.append(answer[0].note)
    assert "declares a part made" in notes[0]
    assert "declares content made" in notes[1]
    silent = DeclaredDetector().examine(_evidence(view, State.TRUSTED, facts={"ingredients": [prompt]}))
    assert isinstance(silent, Skipped)


def test_the_docs_say_which_conclusions_the_shipped_models_can_reach() -> None:
    """What is measured cannot reach `likely synthetic` yet: the page says so for as long as it is true."""
    eyes = ("visual-residual", "visual-face", "visual-drawn")
    still = {name: shipped(name).highest for name in eyes}
    films = [_finding(shipped(name).of("video").highest, "visual") for name in eyes if name != "visual-face"]
    heard = _finding(shipped("audio-whisper").highest, "audio")
    for count in (1, 2, 3):
        for chosen in itertools.combinations(still.values(), count):
            assert fusion._measured([_finding(llr, "visual") for llr in chosen])[0] < fusion.LLR_LIKELY
    for some in ([heard], films, [heard, *films], [heard, films[0]]):
        assert fusion._measured(some)[0] < fusion.LLR_LIKELY
    text = (Path(fusion.__file__).parents[1] / "docs/verdict.md").read_text()
    assert "cannot reach `likely synthetic`" in text


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
