"""What a file was made from: every ingredient is looked into, and what it declares counts."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from assay.media.limits import Limits
from assay.provenance.certs import Credentials, ensure_credentials
from assay.provenance.context import c2pa_settings
from assay.provenance.marks.interface import Mark
from assay.provenance.sign import Action, Ingredient, Manifest, SoftBinding, sign_file
from assay.provenance.trust import Trust
from assay.provenance.verification import State
from assay.provenance.verify import (
    broken_ingredients,
    declares_generative,
    declares_synthetic,
    verify,
    with_marks,
)
from signed_files import CAPTURED, created, step, tampered


def test_a_broken_ingredient_is_named_at_any_depth(
    photo: Path, signed: Path, keys: Credentials, trust: Trust, tmp_path: Path
) -> None:
    bad = tampered(signed, tmp_path / "bad.jpg")
    part = Ingredient(path=bad, relationship="componentOf", title="the part")
    collage = Manifest(actions=created("composite", Action(name="c2pa.placed")), ingredients=(part,))
    middle = sign_file(photo, tmp_path / "middle.jpg", collage, keys).path
    outer = sign_file(middle, tmp_path / "outer.jpg", Manifest(), keys).path
    for path in (middle, outer):
        found = verify(path, trust=trust)
        assert found.state is State.TRUSTED
        assert broken_ingredients(found) == ("the part",)
        fails = [check for check in found.checks if check.outcome == "fail"]
        assert [check.step for check in fails] == [12, 12]
        assert "assertion.dataHash.mismatch" in fails[1].codes
        assert "as the signer recorded" in fails[1].sentence


def test_an_ingredient_changed_after_signing_makes_the_file_invalid(
    photo: Path, signed: Path, keys: Credentials, trust: Trust, tmp_path: Path
) -> None:
    part = Ingredient(path=signed, relationship="componentOf")
    collage = Manifest(actions=created("composite", Action(name="c2pa.placed")), ingredients=(part,))
    whole = sign_file(photo, tmp_path / "whole.jpg", collage, keys).path
    assert verify(whole, trust=trust).facts["ingredients"][0]["state"] == "trusted"
    found = verify(tampered(whole, tmp_path / "bad.jpg", b"digitalCapture"), trust=trust)
    assert found.state is State.INVALID
    assert step(found, 12).outcome == "fail"
    assert broken_ingredients(found) == ("signed.jpg",)


def test_an_untrusted_ingredient_is_not_broken(photo: Path, keys: Credentials, trust: Trust, tmp_path: Path) -> None:
    stranger = ensure_credentials(tmp_path / "keys")
    theirs = sign_file(photo, tmp_path / "theirs.jpg", CAPTURED, stranger).path
    found = verify(sign_file(theirs, tmp_path / "ours.jpg", Manifest(), keys).path, trust=trust)
    assert found.state is State.TRUSTED
    assert found.facts["ingredients"][0]["state"] == "untrusted"
    assert (step(found, 12).outcome, broken_ingredients(found)) == ("pass", ())


@pytest.mark.parametrize(
    ("source_type", "synthetic", "generative"),
    [
        ("trainedAlgorithmicMedia", True, True),
        ("compositeWithTrainedAlgorithmicMedia", True, True),
        ("algorithmicMedia", True, False),
        ("digitalCapture", False, False),
        ("humanEdits", False, False),
    ],
)
def test_a_declaration_of_synthetic_origin_is_read(
    source_type: str, synthetic: bool, generative: bool, photo: Path, keys: Credentials, tmp_path: Path
) -> None:
    manifest = Manifest(actions=created(source_type))
    found = verify(sign_file(photo, tmp_path / "out.jpg", manifest, keys).path)
    assert (declares_synthetic(found), declares_generative(found)) == (synthetic, generative)


@pytest.mark.parametrize(("relationship", "counts"), [("parentOf", True), ("componentOf", True), ("inputTo", False)])
def test_what_a_file_is_made_from_counts_unless_it_only_went_in(
    relationship: str, counts: bool, photo: Path, keys: Credentials, tmp_path: Path
) -> None:
    made = Manifest(actions=created("trainedAlgorithmicMedia"))
    fake = sign_file(photo, tmp_path / "fake.jpg", made, keys).path
    part = Ingredient(path=fake, relationship=relationship)  # type: ignore[arg-type]
    first = {
        "parentOf": (Action(name="c2pa.opened"),),
        "componentOf": created("digitalCapture", Action(name="c2pa.placed")),
        "inputTo": created("digitalCapture"),
    }[relationship]
    out = sign_file(photo, tmp_path / "out.jpg", Manifest(actions=first, ingredients=(part,)), keys).path
    assert declares_synthetic(verify(out)) is counts


def test_words_that_the_standard_does_not_know_are_told_and_change_no_state(
    photo: Path, keys: Credentials, trust: Trust, tmp_path: Path
) -> None:
    out = tmp_path / "out.jpg"
    build_freely(photo, out, keys, {"action": "c2pa.created", "digitalSourceType": "http://example.com/magic"})
    found = verify(out, trust=trust)
    assert (found.state, step(found, 11).outcome) == (State.TRUSTED, "fail")
    assert "magic" in step(found, 11).sentence


def build_freely(
    source: Path,
    out: Path,
    keys: Credentials,
    action: dict[str, Any],
    ingredient: tuple[dict[str, Any], bytes] | None = None,
) -> None:
    """Sign without any of our checks, as a stranger may."""
    import c2pa

    definition = {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]}
    info = c2pa.C2paSignerInfo(b"es256", keys.chain_pem, keys.key_pem, None)
    with (
        c2pa.Context.from_dict(c2pa_settings(b"", limits=Limits())) as context,
        c2pa.Signer.from_info(info) as signer,
        c2pa.Builder(definition, context=context) as builder,
        source.open("rb") as old,
        out.open("w+b") as new,
    ):
        if ingredient is not None:
            builder.add_resource("bytes", io.BytesIO(ingredient[1]))
            builder.add_ingredient(ingredient[0], "application/octet-stream", io.BytesIO(b"content"))
        builder.sign(signer, "image/jpeg", old, new)


def test_a_strangers_text_cannot_steer_the_terminal(
    photo: Path, signed: Path, keys: Credentials, trust: Trust, tmp_path: Path
) -> None:
    title = "\x1b[2J\nnice"
    part = Ingredient(path=tampered(signed, tmp_path / "bad.jpg"), relationship="componentOf", title=title)
    collage = Manifest(actions=created("composite", Action(name="c2pa.placed")), ingredients=(part,))
    found = verify(sign_file(photo, tmp_path / "out.jpg", collage, keys).path, trust=trust)
    assert broken_ingredients(found) == (title,)
    assert all(check.sentence.isprintable() for check in found.checks)


@pytest.mark.parametrize(("find", "code"), [(b"photo", "claimSignature"), (b"digitalCapture", "assertion.hashedURI")])
def test_a_signer_who_hides_a_broken_ingredient_is_caught(
    find: bytes, code: str, photo: Path, signed: Path, keys: Credentials, trust: Trust, tmp_path: Path
) -> None:
    import c2pa

    apart = sign_file(photo, tmp_path / "apart.jpg", CAPTURED, keys, sidecar="always")
    with (
        c2pa.Context.from_dict(c2pa_settings(keys.anchor_pem, limits=Limits())) as context,
        apart.path.open("rb") as file,
        c2pa.Reader("image/jpeg", file, apart.manifest_bytes, context=context) as reader,
    ):
        report = json.loads(reader.json())
    bad = bytearray(apart.manifest_bytes)
    bad[bad.find(find)] ^= 1
    ingredient = {
        "title": "hidden",
        "relationship": "parentOf",
        "label": "one",
        "manifest_data": {"format": "application/c2pa", "identifier": "bytes"},
        "active_manifest": report["active_manifest"],
        "validation_results": report["validation_results"],  # what held before the change
    }
    out = tmp_path / "out.jpg"
    action = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["one"]}}
    build_freely(photo, out, keys, action, (ingredient, bytes(bad)))
    found = verify(out, trust=trust)
    assert (found.state, broken_ingredients(found)) == (State.INVALID, ("hidden",))
    told = [check for check in found.checks if check.step == 12][1]
    assert told.codes == (f"{code}.mismatch",)
    assert "the signer did not say so" in told.sentence


@pytest.mark.parametrize(
    ("payload", "outcome"), [(0xAB, "pass"), (0xCD, "fail"), (None, "not done")], ids=["the id", "another", "no id"]
)
def test_the_mark_in_the_content_is_held_against_the_one_that_is_named(
    payload: int | None, outcome: str, photo: Path, keys: Credentials, trust: Trust, tmp_path: Path
) -> None:
    binding = SoftBinding(alg="com.example.mark", value=f"{0xAB:016x}")
    manifest = Manifest(actions=created("trainedAlgorithmicMedia"), soft_bindings=(binding,))
    found = verify(sign_file(photo, tmp_path / "out.jpg", manifest, keys).path, trust=trust)
    assert step(found, 13).outcome == "not done"
    marked = with_marks(found, [Mark(scheme="example", payload=payload, p_false_alarm=1e-9)])
    assert (step(marked, 13).outcome, marked.state) == (outcome, State.TRUSTED)
