"""The provenance tree: what is in it, its pictures, and that a stranger's text stays text on terminal and page."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from assay.media.limits import Limits
from assay.provenance.batch import Answer
from assay.provenance.certs import Credentials, load_credentials, make_authority, make_leaf
from assay.provenance.context import c2pa_settings
from assay.provenance.resume import Stamp
from assay.provenance.sign import Action, Ingredient, Manifest, sign_file
from assay.provenance.signer import native_signer
from assay.provenance.thumbnails import SIDE, picture_of, thumbnails
from assay.provenance.tree import OWN, Node, plain, tree_of, walk
from assay.provenance.trust import Trust
from assay.provenance.verification import State, Verification
from assay.provenance.verify import verify
from assay.service.cli.tree import tree_lines
from assay.service.spool import Spool
from assay.service.verify_page import write_verify_page
from PIL import Image

NOW = datetime(2026, 11, 22, tzinfo=UTC)
HOSTILE = "\x1b[31m<script>alert(1)</script>\u202e' onload='x"
CREATED = (Action(name="c2pa.created", source_type="trainedAlgorithmicMedia", description="by Maker 3"),)


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    folder = tmp_path_factory.mktemp("certs")
    now = datetime.now(UTC)
    make_authority(folder, organisation="Tree", now=now)
    make_leaf(folder, organisation="Tree", now=now)
    return load_credentials(folder)


@pytest.fixture
def trust(credentials: Credentials) -> Trust:
    return Trust().add(credentials.anchor_pem)


@pytest.fixture
def family(tmp_path: Path, credentials: Credentials, makers: ModuleType) -> Path:
    """A file put together from a signed part, the same part again, and a plain picture."""
    plain_file = tmp_path / "plain.jpg"
    plain_file.write_bytes(makers.picture_file(Image.fromarray(makers.card()), "JPEG"))
    part = tmp_path / "part.jpg"
    sign_file(plain_file, part, Manifest(version="1", title="part", actions=CREATED), credentials)
    grown = tmp_path / "grown.jpg"
    pieces = (Ingredient(path=plain_file, relationship="componentOf"),)
    sign_file(part, grown, Manifest(version="1", title="grown", ingredients=pieces), credentials)
    whole = tmp_path / "whole.jpg"
    both = tuple(Ingredient(path=path, relationship="componentOf") for path in (grown, part))
    sign_file(plain_file, whole, Manifest(version="1", title="whole", actions=CREATED, ingredients=both), credentials)
    return whole


def answer(verification: Verification, name: str = "x.jpg") -> Answer:
    return Answer(path=Path(name), stamp=Stamp(size=1, modified=1, sidecar="", under=""), verification=verification)


def page(tmp_path: Path, verification: Verification, pictures: dict[tuple[str, int], bytes] | None = None) -> str:
    out = tmp_path / "page.html"
    with Spool() as spool:
        spool.add(answer(verification), pictures or {})
        write_verify_page(spool, out, trust=Trust(), now=NOW)
    return out.read_text()


def test_a_tree_tells_who_what_and_from_what(family: Path, trust: Trust) -> None:
    tree = tree_of(verify(family, trust=trust), name="whole.jpg")
    told = [(depth, node.title, node.relation, node.state.value) for depth, node in walk(tree)]
    assert told == [
        (0, "whole.jpg", "", "trusted"),
        (1, "grown.jpg", "componentOf", "trusted"),
        (2, "plain.jpg", "componentOf", "absent"),
        (2, "part.jpg", "parentOf", "trusted"),
        (1, "part.jpg", "componentOf", "trusted"),
    ]
    assert tree.deeds[0].name == "created"
    assert tree.deeds[0].source == "made by AI"
    assert tree.deeds[0].note == "by Maker 3"
    assert "Tree" in tree.who
    assert tree.time_holds is False
    assert not tree.broken_below


def test_what_stands_in_a_tree_already_is_said_to_stand_elsewhere() -> None:
    inner = {"title": "in", "manifest": "M", "state": "trusted", "ingredients": [{"title": "leaf", "state": "absent"}]}
    again = {**inner, "ingredients": []}
    facts = {"manifest": "top", "ingredients": [inner, again, {"title": "deep", "manifest": "D", "state": "trusted"}]}
    tree = tree_of(Verification(state=State.TRUSTED, checks=(), facts=facts), name="x")
    assert [part.left_out for part in tree.parts] == [False, True, True]
    assert sum("not shown again" in line for line in tree_lines(tree)) == 2


def test_a_broken_part_is_marked_on_terminal_and_page(shared: Path, tmp_path: Path) -> None:
    path = shared / "media" / "c2pa" / "c2pa-rs" / "CACAE-uri-CA.jpg"
    found = verify(path)
    tree = tree_of(found, name=path.name)
    assert not tree.broken
    assert tree.broken_below
    lines = "\n".join(tree_lines(tree))
    assert "x put in: E-uri-CA.jpg  [invalid, as its owner recorded]" in lines
    assert "broken: assertion.hashedURI.mismatch" in lines
    text = page(tmp_path, found, thumbnails(path))
    assert len(re.findall('class="node [^"]*broken"', text)) == 1
    assert text.count("<img ") == 4


def test_a_signers_own_file_that_was_changed_shows_what_failed(family: Path, trust: Trust) -> None:
    data = bytearray(family.read_bytes())
    data[-20] ^= 1
    family.write_bytes(data)
    tree = tree_of(verify(family, trust=trust), name="whole.jpg")
    assert tree.broken
    assert "assertion.dataHash.mismatch" in tree.codes


def test_a_strangers_text_steers_neither_terminal_nor_page(
    tmp_path: Path, credentials: Credentials, makers: ModuleType
) -> None:
    source, signed = tmp_path / "s.jpg", tmp_path / "t.jpg"
    source.write_bytes(makers.picture_file(Image.fromarray(makers.card()), "JPEG"))
    action = replace(CREATED[0], description=HOSTILE)
    part = Ingredient(path=source, relationship="componentOf", title=HOSTILE)
    sign_file(source, signed, Manifest(version="1", actions=(action,), ingredients=(part,)), credentials)
    found = verify(signed)
    lines = tree_lines(tree_of(found, name=HOSTILE))
    assert any("<script>" in line for line in lines)
    assert all(line.isprintable() for line in lines)
    text = page(tmp_path, found)
    assert "&lt;script&gt;" in text
    assert "<script" not in text
    assert "' onload=" not in text.replace("&#39; onload=", "")


def test_hostile_facts_make_an_ugly_tree_and_no_crash() -> None:
    facts: dict[str, Any] = {"manifest": "m", "actions": [{"action": "", "source_type": " / "}], "ingredients": []}
    facts["ingredients"] = [{"title": "", "relationship": "x" * 500, "state": "invalid", "codes": ["a\nb"]}] * 3
    tree = tree_of(Verification(state=State.UNTRUSTED, checks=(), facts=facts), name="")
    assert all("\n" not in line for line in tree_lines(tree))
    assert [node.broken for node in tree] == [False, True, True, True]


def thumbnailed(folder: Path, credentials: Credentials, makers: ModuleType) -> tuple[Path, bytes]:
    """Return a file signed with a thumbnail that c2pa-rs made, and one whose thumbnail we chose."""
    import c2pa

    card = makers.card(height=900, width=1200)
    source = makers.picture_file(Image.fromarray(card), "JPEG")
    mine = makers.picture_file(Image.fromarray(card[::-1]), "JPEG", quality=50, comment=b"a stranger's bytes")
    settings = c2pa_settings(credentials.anchor_pem, limits=Limits())
    definition = Manifest(version="1", title="t", actions=CREATED).definition()
    definition["thumbnail"] = {"format": "image/jpeg", "identifier": "mine.jpg"}
    out = io.BytesIO()
    with (
        native_signer(credentials, None) as signer,
        c2pa.Context.from_dict(settings) as context,
        c2pa.Builder(json.dumps(definition), context=context) as builder,
    ):
        builder.add_resource("mine.jpg", io.BytesIO(mine))
        builder.sign(signer, "image/jpeg", io.BytesIO(source), out)
    path = folder / "thumb.jpg"
    path.write_bytes(out.getvalue())
    return path, mine


def test_thumbnails_are_made_anew_and_small(
    tmp_path: Path, credentials: Credentials, makers: ModuleType, trust: Trust
) -> None:
    path, mine = thumbnailed(tmp_path, credentials, makers)
    found = verify(path, trust=trust)
    assert found.state is State.TRUSTED
    ((key, picture),) = thumbnails(path).items()
    assert key == (found.facts["manifest"], OWN)
    with Image.open(io.BytesIO(picture)) as small:
        assert small.format == "JPEG"
        assert max(small.size) == SIDE
        assert small.getpixel((5, SIDE * 3 // 4 - 5))[1] > 150, "the green corner is below: the signer's own picture"
    assert b"a stranger" in mine
    assert b"a stranger" not in picture
    assert len(picture) < 20_000
    text = page(tmp_path, found, {key: picture})
    assert text.count("<img ") == 1
    assert "data:image/jpeg;base64" in text


def test_a_thumbnail_that_is_no_picture_is_left_out(
    tmp_path: Path, credentials: Credentials, makers: ModuleType
) -> None:
    path, mine = thumbnailed(tmp_path, credentials, makers)
    data = path.read_bytes()
    assert data.count(mine[:400]) == 1
    path.write_bytes(data.replace(mine[:400], bytes(400)))
    assert thumbnails(path) == {}
    assert verify(path).state is State.INVALID


def test_a_file_without_a_manifest_has_no_thumbnails_and_a_picture_of_its_own(
    tmp_path: Path, makers: ModuleType
) -> None:
    still, film, sound = tmp_path / "a.png", tmp_path / "a.mp4", tmp_path / "a.wav"
    still.write_bytes(makers.picture_file(Image.fromarray(makers.card()), "PNG"))
    film.write_bytes(makers.film(3))
    sound.write_bytes(makers.wav_floats(makers.tone().samples[0], 48_000))
    assert thumbnails(still) == {}
    for path in (still, film):
        picture = picture_of(path)
        assert picture is not None
        with Image.open(io.BytesIO(picture)) as small:
            assert max(small.size) <= SIDE
    assert picture_of(sound) is None
    still.write_bytes(still.read_bytes()[:200])
    assert picture_of(still) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("c2pa.created", "created"),
        ("c2pa.adjustedColor", "adjusted color"),
        ("c2pa.color_adjustments", "color adjustments"),
        ("c2pa.edited.metadata", "edited metadata"),
        ("com.example.Blur", "com.example.Blur"),
    ],
)
def test_actions_are_said_in_words(name: str, words: str) -> None:
    assert plain(name) == words


def test_the_page_is_drawn_by_a_browser(shared: Path, tmp_path: Path) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("chromium is not installed")
    path = shared / "media" / "c2pa" / "public-testfiles" / "adobe-20220124-CACAICAICICA.jpg"
    page(tmp_path, verify(path), thumbnails(path))
    options = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    drawn = subprocess.run(
        [browser, *options.split(), profile, "--dump-dom", (tmp_path / "page.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert drawn.count('class="node ') == 7
    assert drawn.count("CAICA.jpg") >= 1


def test_a_tree_deeper_than_facts_go_is_told_and_drawn(tmp_path: Path) -> None:
    facts: dict[str, Any] = {"title": "leaf", "state": "trusted", "manifest": "m99"}
    for depth in range(40):
        facts = {"title": str(depth), "state": "trusted", "manifest": f"m{depth}", "ingredients": [facts]}
    found = Verification(state=State.TRUSTED, checks=(), facts=facts)
    tree: Node = tree_of(found, name="top")
    assert max(depth for depth, _ in walk(tree)) == 40
    assert page(tmp_path, found).count('class="node ') == 41
