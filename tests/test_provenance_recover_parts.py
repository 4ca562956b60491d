"""A manifest that a stranger hands out with other parts than its signer saw does not hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from assay.media.encode import encode_image
from assay.media.fingerprint import fingerprint
from assay.media.view import View
from assay.provenance.certs import Credentials
from assay.provenance.finders import Candidate
from assay.provenance.manifest import Action, Manifest, SoftBinding
from assay.provenance.marks.interface import Mark
from assay.provenance.recover import recover
from assay.provenance.remote import RemoteError
from assay.provenance.sign import sign_file
from assay.provenance.signed_fingerprint import fingerprint_binding
from assay.provenance.stored import active_alone
from assay.provenance.trust import Trust
from assay.provenance.verification import State, Verification
from assay.provenance.verify import declares_synthetic

ID = 0xF123_4567_89AB_CDEF
MARK = Mark(scheme="assay.canvas.1", payload=ID, p_false_alarm=1e-12)
SOURCE = b"trainedAlgorithmicMedia"


class Stranger(NamedTuple):
    """A place that hands out what it likes."""

    store: bytes

    def candidates(self, mark: Mark) -> Sequence[Candidate]:
        return [Candidate(manifest=self.store, where="a stranger's service", fingerprint=None, facts={})]


class Case(NamedTuple):
    """A manifest whose parent says that it was made by a model, and a stripped copy of its file."""

    store: bytes
    copy: Path


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, keys: Credentials) -> Case:
    import cv2

    folder = tmp_path_factory.mktemp("case")
    small = np.random.default_rng(1).integers(0, 256, (20, 26, 3), dtype=np.uint8)
    pixels = np.asarray(cv2.resize(small, (520, 400), interpolation=cv2.INTER_CUBIC), np.uint8)
    plain, parent, copy = (folder / name for name in ("plain.jpg", "parent.jpg", "copy.jpg"))
    plain.write_bytes(encode_image(pixels, "jpeg"))
    copy.write_bytes(encode_image(pixels, "jpeg", quality=60))
    made = Manifest(actions=(Action(name="c2pa.created", source_type=SOURCE.decode()),))
    sign_file(plain, parent, made, keys)
    bindings = (
        SoftBinding(alg="dev.assay.canvas.1", value=f"{ID:016x}"),
        fingerprint_binding(fingerprint(View.open(parent))),
    )
    done = sign_file(parent, folder / "signed.jpg", Manifest(soft_bindings=bindings), keys)
    return Case(done.manifest_bytes, copy)


def recovered(case: Case, store: bytes, trust: Trust) -> Verification:
    return recover(case.copy, [MARK], [Stranger(store)], trust=trust)


class Away:
    """A place that cannot be asked."""

    def candidates(self, mark: Mark) -> Sequence[Candidate]:
        raise RemoteError("the line is dead")


def test_a_place_that_cannot_be_asked_keeps_no_other_from_being_asked(case: Case, trust: Trust) -> None:
    found = recover(case.copy, [MARK], [Away(), Stranger(case.store)], trust=trust)
    assert found.state is State.RECOVERED
    with pytest.raises(RemoteError, match="dead"):
        recover(case.copy, [MARK], [Away()], trust=trust)


def test_a_whole_manifest_is_recovered_with_what_its_parent_declares(case: Case, trust: Trust) -> None:
    found = recovered(case, case.store, trust)
    assert (found.state, declares_synthetic(found)) == (State.RECOVERED, True)


def test_a_parent_that_was_changed_since_is_told_and_nothing_is_recovered(case: Case, trust: Trust) -> None:
    changed = case.store.replace(SOURCE, b"digitalCapture".ljust(len(SOURCE)), 1)
    assert changed != case.store
    assert recovered(case, changed, trust).state is State.INVALID


def test_a_parent_that_is_held_back_is_told_and_nothing_is_recovered(case: Case, trust: Trust) -> None:
    assert recovered(case, active_alone(case.store), trust).state is State.INVALID
