"""Asset classes: what signers declare, and no guess where they say nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from assay.provenance.certs import Credentials, ensure_credentials
from assay.provenance.rubrics import CLASSES, asset_class
from assay.provenance.sign import Action, Ingredient, Manifest, sign_file
from assay.provenance.verification import State, Verification
from assay.provenance.verify import verify
from PIL import Image

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def made(source_type: str | None, *more: str, first: str = "created") -> dict[str, Any]:
    uri = IPTC + source_type if source_type else None
    actions = [{"action": f"c2pa.{first}", "source_type": uri}]
    return {"actions": actions + [{"action": f"c2pa.{name}", "source_type": None} for name in more]}


def opened(*parts: tuple[str, dict[str, Any]], edits: tuple[tuple[str, str | None], ...] = ()) -> dict[str, Any]:
    actions = [{"action": "c2pa.opened", "source_type": None}]
    actions += [{"action": f"c2pa.{name}", "source_type": IPTC + kind if kind else None} for name, kind in edits]
    parts_of = [{"title": "part", "state": "trusted", "relationship": how, **facts} for how, facts in parts]
    return {"actions": actions, "ingredients": parts_of}


BY_MODEL, PHOTO, NOTHING = made("trainedAlgorithmicMedia"), made("digitalCapture"), {"state": "absent"}
FACE = (("edited", "compositeWithTrainedAlgorithmicMedia"),)


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        pytest.param(BY_MODEL, "fullyGenAIMedia", id="by a model"),
        pytest.param(made("trainedAlgorithmicMedia", "cropped"), "fullyGenAIMedia", id="by a model, cropped"),
        pytest.param(opened(("parentOf", BY_MODEL)), "fullyGenAIMedia", id="by a model, signed again"),
        pytest.param(
            {**BY_MODEL, "ingredients": [{"relationship": "inputTo", "title": "prompt", **PHOTO}]},
            "fullyGenAIMedia",
            id="a photo as the prompt",
        ),
        pytest.param(made("compositeWithTrainedAlgorithmicMedia"), "partlyGenAICreation", id="composite with a model"),
        pytest.param(made("compositeSynthetic"), "partlyGenAICreation", id="composite with synthetic parts"),
        pytest.param(
            {**BY_MODEL, "ingredients": [{"relationship": "componentOf", "title": "p", "state": "trusted", **PHOTO}]},
            "partlyGenAICreation",
            id="a photo placed into it",
        ),
        pytest.param(opened(("parentOf", PHOTO), edits=FACE), "partlyGenAIEdit", id="a photo changed by a model"),
        pytest.param(opened(("parentOf", NOTHING), edits=FACE), "partlyGenAIEdit", id="anything changed by a model"),
        pytest.param(PHOTO, "capturedMedia", id="photo"),
        pytest.param(made("computationalCapture", "transcoded"), "capturedMedia", id="photo, recompressed"),
        pytest.param(opened(("parentOf", PHOTO)), "capturedMedia", id="photo, signed again"),
        pytest.param(made("digitalCapture", "cropped"), "editedMedia", id="photo, cropped"),
        pytest.param(opened(("parentOf", PHOTO), edits=(("filtered", None),)), "editedMedia", id="photo, filtered"),
        pytest.param(made("digitalCreation", "drawing"), "humanMadeMedia", id="drawing"),
        pytest.param(made("algorithmicMedia"), "algorithmicMedia", id="computed"),
        pytest.param(made("composite"), "compositeMedia", id="composite"),
        pytest.param(
            {
                **made("empty"),
                "ingredients": [
                    {"relationship": "componentOf", "title": "a", "state": "trusted", **PHOTO},
                    {"relationship": "componentOf", "title": "b", "state": "trusted", **made("digitalCreation")},
                ],
            },
            "compositeMedia",
            id="a photo and a drawing",
        ),
        pytest.param({"metadata_source_type": IPTC + "digitalCapture"}, "capturedMedia", id="metadata alone"),
        pytest.param({}, "unknown", id="nothing"),
        pytest.param(made(None), "unknown", id="created without a type"),
        pytest.param(made("madeUp"), "unknown", id="a word of its own"),
        pytest.param(opened(), "unknown", id="opened from nowhere"),
        pytest.param(opened(("parentOf", NOTHING)), "unknown", id="opened, the parent says nothing"),
        pytest.param(opened(("parentOf", {**PHOTO, "state": "invalid"})), "unknown", id="the parent is broken"),
    ],
)
def test_the_class_follows_from_what_is_declared(facts: dict[str, Any], name: str) -> None:
    found = asset_class(Verification(state=State.UNTRUSTED, checks=(), facts=facts))
    assert (found.name, found.sentence) == (name, CLASSES[name])
    assert found.because


@pytest.mark.parametrize("state", [State.ABSENT, State.INVALID])
def test_what_a_broken_manifest_says_is_not_counted(state: State) -> None:
    assert asset_class(Verification(state=state, checks=(), facts=BY_MODEL)).name == "unknown"


def test_a_real_file_gets_its_class_with_the_facts_behind_it(tmp_path: Path) -> None:
    keys: Credentials = ensure_credentials(tmp_path / "keys")
    photo = tmp_path / "photo.jpg"
    Image.linear_gradient("L").save(photo)
    capture = Manifest(title="photo", actions=(Action(name="c2pa.created", source_type="digitalCapture"),))
    first = sign_file(photo, tmp_path / "first.jpg", capture, keys).path
    assert asset_class(verify(first)).name == "capturedMedia"
    edit = Action(name="c2pa.edited", source_type="compositeWithTrainedAlgorithmicMedia")
    change = Manifest(
        actions=(Action(name="c2pa.opened"), edit), ingredients=(Ingredient(path=first, relationship="parentOf"),)
    )
    found = asset_class(verify(sign_file(first, tmp_path / "second.jpg", change, keys).path))
    assert found.name == "partlyGenAIEdit"
    assert any("compositeWithTrainedAlgorithmicMedia" in fact for fact in found.because)
    assert any("digitalCapture" in fact for fact in found.because)
