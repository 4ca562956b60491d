"""Manifests that are compressed: read like others, changes found, and no more memory taken than is allowed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
from assay.media.errors import AssayError, LimitExceeded
from assay.media.limits import Limits
from assay.provenance import sign as sign_module
from assay.provenance.certs import Credentials
from assay.provenance.context import c2pa_settings
from assay.provenance.second_opinion import disagreements, second_opinion
from assay.provenance.second_opinion.jumbf import JumbfError, parse_store
from assay.provenance.sign import Manifest, sign_file
from assay.provenance.trust import Trust
from assay.provenance.verification import State
from assay.provenance.verify import verify
from signed_files import CAPTURED, step

UUID_REST = bytes.fromhex("00110010800000aa00389b71")
LIMITS = Limits(manifest_bytes=1024**2)


@pytest.fixture(scope="module")
def packed(photo: Path, keys: Credentials) -> Path:
    """A photo whose manifest c2pa-rs compressed."""

    def compressing(*arguments: object, **named: object) -> dict[str, Any]:
        settings = c2pa_settings(*arguments, **named)  # type: ignore[arg-type]
        settings["core"]["prefer_compress_manifests"] = True
        return settings

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sign_module, "c2pa_settings", compressing)
        path = sign_file(photo, photo.with_name("packed.jpg"), CAPTURED, keys).path
    assert b"c2cm" in path.read_bytes()
    return path


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return (8 + len(body)).to_bytes(4, "big") + kind + body


def described(kind: bytes, label: str, *parts: bytes) -> bytes:
    return box(b"jumb", box(b"jumd", kind + UUID_REST + b"\3" + label.encode() + b"\0"), *parts)


def store(*manifests: bytes) -> bytes:
    return described(b"c2pa", "c2pa", *manifests)


def squeezed(label: str, manifest: bytes) -> bytes:
    return described(b"c2cm", label, box(b"brob", brotli.compress(manifest, quality=5)))


def test_both_readers_read_it_and_agree(packed: Path, trust: Trust) -> None:
    found, second = verify(packed, trust=trust), second_opinion(packed, trust=trust)
    assert (found.state, second.state, disagreements(found, second)) == (State.TRUSTED, State.TRUSTED, ())
    assert (step(found, 4).outcome, found.facts["certificates"] != []) == ("pass", True)


def test_it_may_be_an_ingredient(packed: Path, keys: Credentials, trust: Trust, tmp_path: Path) -> None:
    top = sign_file(packed, tmp_path / "top.jpg", Manifest(), keys).path
    found, second = verify(top, trust=trust), second_opinion(top, trust=trust)
    assert (second.state, disagreements(found, second)) == (State.TRUSTED, ())
    assert step(found, 12).outcome == "pass"
    assert [one.outcome for one in second.checks if one.step == 12] == ["pass"]


def test_a_changed_content_is_found(packed: Path, trust: Trust, tmp_path: Path) -> None:
    data = bytearray(packed.read_bytes())
    data[-60] ^= 1
    (tmp_path / "bad.jpg").write_bytes(data)
    found, second = verify(tmp_path / "bad.jpg", trust=trust), second_opinion(tmp_path / "bad.jpg", trust=trust)
    assert (found.state, second.state, disagreements(found, second)) == (State.INVALID, State.INVALID, ())


def test_a_store_reads_as_before_it_was_compressed() -> None:
    plain = described(b"c2ma", "urn:one", described(b"c2as", "c2pa.assertions"))
    assert parse_store(store(squeezed("urn:one", plain))) == parse_store(store(plain))


def one_bomb() -> bytes:
    """Return a store of less than a kilobyte that stands for 256 MiB."""
    squeeze, block = brotli.Compressor(quality=5, lgwin=24), bytes(2**24)
    data = b"".join(squeeze.process(block) for _ in range(16)) + squeeze.finish()
    return store(described(b"c2cm", "urn:one", box(b"brob", data)))


def three_together() -> bytes:
    """Return a store of three manifests of 400 kB each."""
    names = ("urn:1", "urn:2", "urn:3")
    return store(*(squeezed(name, described(b"c2ma", name, box(b"free", bytes(400_000)))) for name in names))


@pytest.mark.parametrize("make", [one_bomb, three_together])
def test_a_bomb_is_stopped_at_the_limit(make: Callable[[], bytes], photo: Path) -> None:
    made = make()
    assert len(made) < 1000
    with pytest.raises(LimitExceeded, match="no longer compressed"):
        parse_store(made, most=LIMITS.manifest_bytes)
    with pytest.raises(LimitExceeded, match="no longer compressed"):
        second_opinion(photo, sidecar=made, limits=LIMITS)
    with contextlib.suppress(AssayError):  # an error of ours is as good an answer
        assert verify(photo, sidecar=made, limits=LIMITS).state is State.INVALID


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda plain: described(b"c2cm", "urn:one"), id="nothing inside"),
        pytest.param(lambda plain: described(b"c2cm", "urn:one", box(b"brob", b"\xff" * 40)), id="damaged"),
        pytest.param(lambda plain: described(b"c2cm", "urn:one", box(b"brob", brotli.compress(plain)[:-9])), id="cut"),
        pytest.param(lambda plain: described(b"c2cm", "urn:one", box(b"brob")), id="empty"),
        pytest.param(lambda plain: squeezed("urn:two", plain), id="another name"),
        pytest.param(lambda plain: squeezed("urn:one", b"plain text"), id="no box"),
        pytest.param(lambda plain: squeezed("urn:one", squeezed("urn:one", plain)), id="twice"),
    ],
)
def test_what_cannot_be_undone_is_damage(made: Callable[[bytes], bytes], photo: Path) -> None:
    plain = described(b"c2ma", "urn:one", box(b"free", bytes(range(256)) * 4))
    bad = store(made(plain))
    with pytest.raises(JumbfError):
        parse_store(bad)
    assert second_opinion(photo, sidecar=bad).state is State.INVALID
