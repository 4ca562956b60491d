"""Verifying: five states that are never merged, every step told, and nothing that a file does can break it."""

from __future__ import annotations

import csv
import datetime as dt
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from assay.media.errors import AssayError, InputError, LimitExceeded, UnreadableMedia, WorkerFailed
from assay.media.limits import Limits
from assay.provenance.certs import Credentials, ensure_credentials
from assay.provenance.issue import Issued, Terms, issue_authority, issue_leaf, new_key
from assay.provenance.pem import algorithm_of, certificate_pem, key_pem
from assay.provenance.profile import fingerprint
from assay.provenance.sign import Action, Ingredient, Manifest, sign_file
from assay.provenance.trust import Trust
from assay.provenance.verification import Check, State, Verification
from assay.provenance.verify import (
    broken_ingredients,
    declares_generative,
    declares_synthetic,
    verify,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from PIL import Image

NOW = dt.datetime.now(dt.UTC)
TIME_STAMPING = "1.3.6.1.5.5.7.3.8"


def created(source_type: str, *more: Action) -> tuple[Action, ...]:
    return (Action(name="c2pa.created", source_type=source_type), *more)


CAPTURED = Manifest(title="photo", actions=created("digitalCapture"))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    return ensure_credentials(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def trust(keys: Credentials) -> Trust:
    return Trust().add(keys.anchor_pem)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "photo.jpg"
    pixels = np.random.default_rng(4).integers(0, 255, (40, 40, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture(scope="module")
def signed(photo: Path, keys: Credentials) -> Path:
    return sign_file(photo, photo.with_name("signed.jpg"), CAPTURED, keys).path


def step(verification: Verification, number: int) -> Check:
    return next(check for check in verification.checks if check.step == number)


def tampered(path: Path, to: Path, find: bytes | None = None) -> Path:
    """Copy a file with one byte changed: in the first place where `find` stands, or else near the end."""
    data = bytearray(path.read_bytes())
    at = data.find(find) if find else len(data) - 60
    assert at > 0
    data[at] ^= 1
    to.write_bytes(data)
    return to


def credentials(leaf: Issued, anchor: bytes = b"") -> Credentials:
    return Credentials(
        chain_pem=certificate_pem(leaf.certificate),
        key_pem=key_pem(leaf.key, None),
        anchor_pem=anchor,
        algorithm=algorithm_of(leaf.key),
    )


def self_signed() -> Issued:
    key = new_key("es256")
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Myself")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW - dt.timedelta(hours=1))
    builder = builder.not_valid_after(NOW + dt.timedelta(days=9))
    other = issue_leaf(issue_authority("Other", now=NOW), organisation="Other", now=NOW).certificate
    for extension in other.extensions:
        if not isinstance(extension.value, x509.AuthorityKeyIdentifier | x509.SubjectKeyIdentifier):
            builder = builder.add_extension(extension.value, critical=extension.critical)
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    builder = builder.add_extension(above, critical=False)
    return Issued(certificate=builder.sign(key, hashes.SHA256()), key=key)  # type: ignore[arg-type]


def test_the_steps_are_numbered_in_order_and_say_something(signed: Path, trust: Trust) -> None:
    found = verify(signed, trust=trust)
    assert [check.step for check in found.checks] == list(range(1, 14))
    assert all(check.sentence and check.name for check in found.checks)
    assert {check.outcome for check in found.checks} == {"pass", "not done"}


def test_a_file_without_a_manifest_is_absent(photo: Path, trust: Trust) -> None:
    found = verify(photo, trust=trust)
    assert found.state is State.ABSENT
    assert {check.outcome for check in found.checks} == {"not done"}


def test_an_unknown_signer_is_untrusted_and_nothing_is_called_changed(signed: Path) -> None:
    found = verify(signed)
    assert found.state is State.UNTRUSTED
    assert [check.step for check in found.checks if check.outcome == "fail"] == [6]
    assert "does not mean that anything was changed" in step(found, 6).sentence


@pytest.mark.parametrize(
    ("find", "number", "code"),
    [
        pytest.param(None, 10, "assertion.dataHash.mismatch", id="content"),
        pytest.param(b"digitalCapture", 9, "assertion.hashedURI.mismatch", id="assertion"),
        pytest.param(b"photo", 3, "claimSignature.mismatch", id="claim"),
    ],
)
def test_a_changed_byte_fails_the_step_it_belongs_to(
    find: bytes | None, number: int, code: str, signed: Path, trust: Trust, tmp_path: Path
) -> None:
    found = verify(tampered(signed, tmp_path / "bad.jpg", find), trust=trust)
    assert found.state is State.INVALID
    assert (step(found, number).outcome, code in step(found, number).codes) == ("fail", True)


def test_bytes_behind_the_end_are_a_change(signed: Path, trust: Trust, tmp_path: Path) -> None:
    longer = tmp_path / "longer.jpg"
    longer.write_bytes(signed.read_bytes() + b"more")
    assert verify(longer, trust=trust).state is State.INVALID


def test_a_manifest_cut_short_is_invalid_rather_than_absent(signed: Path, trust: Trust, tmp_path: Path) -> None:
    data = signed.read_bytes()
    for size in (600, 1500, 3000):
        cut = tmp_path / f"{size}.jpg"
        cut.write_bytes(data[:size])
        assert verify(cut, trust=trust).state is State.INVALID


def test_one_signer_can_be_trusted_by_fingerprint(signed: Path, keys: Credentials) -> None:
    leaf = x509.load_pem_x509_certificate(keys.chain_pem)
    found = verify(signed, trust=Trust().allow(fingerprint(leaf)))
    assert found.state is State.TRUSTED
    assert fingerprint(leaf) in step(found, 6).sentence
    assert found.facts["certificate_sha256"] == fingerprint(leaf)
    assert verify(signed, trust=Trust().allow("0" * 64)).state is State.UNTRUSTED


def test_a_namesake_of_the_signer_is_not_trusted(photo: Path, trust: Trust, tmp_path: Path) -> None:
    namesake = ensure_credentials(tmp_path / "keys")
    out = sign_file(photo, tmp_path / "out.jpg", CAPTURED, namesake).path
    assert verify(out, trust=trust).state is State.UNTRUSTED


def test_a_self_signed_certificate_is_its_own_anchor_at_most(photo: Path, tmp_path: Path) -> None:
    leaf = self_signed()
    out = sign_file(photo, tmp_path / "out.jpg", CAPTURED, credentials(leaf)).path
    assert verify(out).state is State.UNTRUSTED
    assert verify(out, trust=Trust().add(certificate_pem(leaf.certificate))).state is State.TRUSTED


def test_a_chain_without_its_root_reaches_the_anchor(photo: Path, tmp_path: Path) -> None:
    authority = issue_authority("Example", now=NOW)
    leaf = issue_leaf(authority, organisation="Example", now=NOW)
    anchor = certificate_pem(authority.certificate)
    found = verify(
        sign_file(photo, tmp_path / "out.jpg", CAPTURED, credentials(leaf, anchor)).path, trust=Trust().add(anchor)
    )
    assert found.state is State.TRUSTED
    assert found.facts["anchor_sha256"] == fingerprint(authority.certificate)
    assert len(found.facts["certificates"]) == 1


def test_a_certificate_that_expired_since_is_invalid_without_a_time_stamp(photo: Path, tmp_path: Path) -> None:
    authority = issue_authority("Example", now=NOW)
    now = dt.datetime.now(dt.UTC)
    leaf = issue_leaf(authority, organisation="Example", now=now, terms=Terms(ends_in=dt.timedelta(seconds=2)))
    anchor = certificate_pem(authority.certificate)
    out = sign_file(photo, tmp_path / "out.jpg", CAPTURED, credentials(leaf, anchor)).path
    time.sleep(max(0.0, (leaf.certificate.not_valid_after_utc - dt.datetime.now(dt.UTC)).total_seconds()) + 1.1)
    found = verify(out, trust=Trust().add(anchor))
    assert (found.state, step(found, 5).codes) == (State.INVALID, ("signingCredential.expired",))
    assert "had expired" in step(found, 5).sentence
    assert step(found, 10).outcome == "pass"


def test_a_certificate_that_is_not_valid_yet_is_invalid(signed: Path, trust: Trust) -> None:
    found = verify(signed, trust=trust, now=NOW - dt.timedelta(days=2))
    assert found.state is State.INVALID
    assert "not valid yet" in step(found, 5).sentence


def test_a_certificate_for_time_stamps_may_not_sign_claims(photo: Path, tmp_path: Path) -> None:
    authority = issue_authority("Example", now=NOW)
    leaf = issue_leaf(authority, organisation="Example", now=NOW, terms=Terms(purposes=(TIME_STAMPING,)))
    anchor = certificate_pem(authority.certificate)
    out = sign_file(photo, tmp_path / "out.jpg", CAPTURED, credentials(leaf, anchor)).path
    found = verify(out, trust=Trust().add(anchor))
    assert (found.state, step(found, 4).codes) == (State.INVALID, ("signingCredential.invalid",))


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


def build_freely(source: Path, out: Path, keys: Credentials, action: dict[str, str]) -> None:
    """Sign without any of our checks, as a stranger may."""
    import c2pa

    definition = {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]}
    info = c2pa.C2paSignerInfo(b"es256", keys.chain_pem, keys.key_pem, None)
    with (
        c2pa.Context.from_dict({"version": 1, "builder": {"thumbnail": {"enabled": False}}}) as context,
        c2pa.Signer.from_info(info) as signer,
        c2pa.Builder(definition, context=context) as builder,
        source.open("rb") as old,
        out.open("w+b") as new,
    ):
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


def test_a_sidecar_of_another_file_is_invalid(photo: Path, keys: Credentials, trust: Trust, tmp_path: Path) -> None:
    ours = sign_file(photo, tmp_path / "out.jpg", CAPTURED, keys, sidecar="always")
    assert ours.sidecar is not None
    other = tmp_path / "other.jpg"
    Image.new("RGB", (9, 9)).save(other)
    assert verify(other, trust=trust, sidecar=ours.sidecar).state is State.INVALID
    junk = tmp_path / "junk.c2pa"
    junk.write_bytes(b"junk")
    assert verify(photo, trust=trust, sidecar=junk).state is State.INVALID
    with pytest.raises(InputError, match="detached manifest"):
        verify(photo, trust=trust, sidecar=tmp_path / "none.c2pa")


@pytest.mark.parametrize("content", [b"", b"x", b"0123456789", b"plain text in a film's clothes", b"\0" * 500])
def test_what_is_no_media_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(UnreadableMedia, match="expected"):
        verify(path)


def test_what_is_no_readable_file_is_a_wrong_request(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, tmp_path / "missing", loop, pipe, tmp_path / ("n" * 300), Path("nul\0byte")):
        with pytest.raises(InputError):
            verify(path)


def test_any_name_will_do(signed: Path, trust: Trust, tmp_path: Path) -> None:
    for name in ("a b.jpg", '\'"quotes".jpg', "new\nline.jpg", "写真.jpg", "-rf", "no suffix"):
        path = tmp_path / name
        path.write_bytes(signed.read_bytes())
        assert verify(path, trust=trust).state is State.TRUSTED


def test_time_and_size_are_bounded_and_the_next_file_is_not_harmed(
    photo: Path, signed: Path, keys: Credentials, trust: Trust, tmp_path: Path
) -> None:
    many = Manifest(actions=created("digitalCapture"), assertions={f"com.example.n{n}": n for n in range(900)})
    slow = sign_file(photo, tmp_path / "slow.jpg", many, keys).path
    with pytest.raises(WorkerFailed, match="verify_seconds"):
        verify(slow, trust=trust, limits=Limits(verify_seconds=0.02))
    assert verify(slow, trust=trust).state is State.TRUSTED
    with pytest.raises(LimitExceeded, match="at most 10 bytes"):
        verify(signed, trust=trust, limits=Limits(file_bytes=10))
    with pytest.raises(LimitExceeded, match="manifest store"):
        verify(signed, trust=trust, limits=Limits(manifest_bytes=100))
    assert verify(signed, trust=trust).state is State.TRUSTED


def test_many_threads_verify_at_once(signed: Path, photo: Path, trust: Trust) -> None:
    with ThreadPoolExecutor(8) as pool:
        states = list(pool.map(lambda path: verify(path, trust=trust).state, [signed, photo] * 20))
    assert states == [State.TRUSTED, State.ABSENT] * 20


def test_no_mutant_brings_it_down(signed: Path, trust: Trust, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    original = signed.read_bytes()
    path = tmp_path / "mutant.jpg"
    outcomes = set()
    for _ in range(150):
        data = bytearray(original)
        for at in rng.integers(0, len(data), rng.integers(1, 12)):
            data[at] = rng.integers(0, 256)
        path.write_bytes(data[: rng.integers(1, len(data))] if rng.random() < 0.3 else data)
        try:
            outcomes.add(verify(path, trust=trust).state.value)
        except AssayError as error:
            outcomes.add(type(error).__name__)
    assert "invalid" in outcomes


def test_a_cold_verification_loads_nothing_heavy(signed: Path) -> None:
    heavy = "torch", "av", "cv2", "numpy", "scipy", "matplotlib", "c2pa"
    code = (
        "import sys; from pathlib import Path; from assay.provenance.verify import verify;"
        f"print(verify(Path(sys.argv[1])).state, [m for m in {heavy!r} if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-P", "-c", code, str(signed)], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["untrusted", "[]"]


# What c2pa-rs reports as an error, and what we say of the file instead: docs/provenance.md explains each
EXPLAINED = {
    "cloud.jpg": "absent",
    "cloudx.jpg": "absent",
    "libpng-test_with_url.png": "absent",
    "no_alg.jpg": "invalid",
    "prerelease.jpg": "invalid",
    "sample3.svg": "invalid",
    "sample4.svg": "invalid",
    "nested_moov_1000.mp4": "UnreadableMedia",
    "sample3.invalid.wav": "UnreadableMedia",
    "tiff_poc.tiff": "UnreadableMedia",
}


def test_files_made_by_others_get_the_expected_state_or_an_explained_one(shared: Path) -> None:
    states = {"Valid": "untrusted", "Invalid": "invalid", "absent": "absent"}
    media = shared / "media"
    with (media / "c2pa" / "manifest.csv").open() as table:
        rows = list(csv.DictReader(table))
    said, expected = {}, {}
    for row in rows:
        path = media / row["path"]
        expected[row["path"]] = states.get(row["reference_state"]) or EXPLAINED[path.name]
        try:
            found = verify(path)
            said[row["path"]] = found.state.value
            own = {code for check in found.checks if check.outcome == "fail" for code in check.codes}
            reference = {code.removeprefix("ingredient:") for code in row["reference_failures"].split()}
            broken = {code for code in reference if code != "signingCredential.untrusted"}
            assert broken <= own, path.name
        except AssayError as error:
            said[row["path"]] = type(error).__name__
    assert said == expected
    assert len(rows) >= 60
