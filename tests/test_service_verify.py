"""`assay verify`, `certs` and `sign` on the command line: formats, exit codes, order, and whom the user trusts."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from assay.provenance.certs import load_credentials
from assay.service.table import HEADER, cell
from PIL import Image

STATES = ("trusted", "recovered", "untrusted", "invalid", "absent", "not checked")


Run = Callable[..., Any]


@pytest.fixture
def media(tmp_path: Path, makers: ModuleType, run: Run) -> Path:
    """A folder: trusted, absent, invalid, no media, and one that declares AI."""
    base = tmp_path / "media"
    base.mkdir()
    plain = base / "b-absent.jpg"
    plain.write_bytes(makers.picture_file(Image.fromarray(makers.card()), "JPEG"))
    assert run("certs", "make").code == 0
    assert run("sign", plain, base / "a-trusted.jpg", "--source-type", "digitalCapture").code == 0
    assert (
        run("sign", plain, base / "e-ai.jpg", "--source-type", "trainedAlgorithmicMedia", "--title", "=1+1").code == 0
    )
    data = bytearray((base / "a-trusted.jpg").read_bytes())
    data[-20] ^= 1
    (base / "c-invalid.jpg").write_bytes(data)
    (base / "d-text.txt").write_text("no media")
    return base


def test_many_files_are_a_line_each_in_order_and_counted(media: Path, run: Run) -> None:
    one, two = (run("verify", media, "--jobs", jobs) for jobs in (1, 2))
    assert one.out == two.out
    assert [line.split("  ")[0] for line in one.out.splitlines()] == [
        "trusted",
        "absent",
        "invalid",
        "not checked",
        "trusted",
    ]
    assert "declares AI" in one.out.splitlines()[-1]
    assert "5 files in" in one.err
    assert "2 trusted, 0 recovered, 0 untrusted, 1 invalid, 1 absent, 1 not checked" in one.err
    assert one.code == 1


@pytest.mark.parametrize(
    ("names", "code"),
    [
        pytest.param(["c-invalid.jpg", "d-text.txt", "nowhere"], 1, id="found before not examined"),
        pytest.param(["e-ai.jpg", "b-absent.jpg"], 1, id="declared AI is found"),
        pytest.param(["nowhere", "d-text.txt", "b-absent.jpg"], 3, id="not examined before wrong usage"),
        pytest.param(["nowhere", "a-trusted.jpg"], 2, id="wrong usage before nothing"),
        pytest.param(["a-trusted.jpg", "b-absent.jpg"], 0, id="nothing found"),
    ],
)
def test_the_gravest_answer_decides_the_exit_code(media: Path, run: Run, names: list[str], code: int) -> None:
    assert run("verify", *(media / name for name in names)).code == code
    assert run("verify", "--json", *(media / name for name in reversed(names))).code == code


def test_a_folder_without_files_is_not_a_clean_bill(tmp_path: Path, run: Run) -> None:
    assert run("verify", tmp_path).code == 3


def test_csv_has_one_header_one_line_a_file_and_no_formulas(media: Path, run: Run) -> None:
    said = run("verify", media, "--csv")
    rows = list(csv.reader(io.StringIO(said.out)))
    assert tuple(rows[0]) == HEADER
    assert len(rows) == 6
    told = [dict(zip(HEADER, row, strict=True)) for row in rows[1:]]
    assert [row["state"] for row in told] == ["trusted", "absent", "invalid", "not checked", "trusted"]
    assert told[-1]["title"] == "'=1+1"
    assert told[-1]["declares"] == "AI"
    assert told[2]["failed_steps"] == "10"
    assert told[3]["error"]


@pytest.mark.parametrize(
    "text", ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "\x1b[31m=1"], ids=repr
)
def test_no_cell_begins_as_a_formula_or_breaks_a_line(text: str) -> None:
    made = cell(text)
    assert made.lstrip(" ")[0] not in "=+-@＝"
    assert made.isprintable()
    assert text.strip().lstrip("\x1b") in made.replace("\\t", "").replace("\\r", "").replace("\\n", "")


def check_sarif(log: dict[str, Any]) -> dict[str, Any]:
    """Hold a log against what SARIF 2.1.0 demands of the parts that we write, and return its one run."""
    assert log["version"] == "2.1.0"
    assert set(log) == {"$schema", "version", "runs"}
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"]
    rules = [rule["id"] for rule in driver["rules"]]
    assert len(set(rules)) == len(rules)
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] in {"none", "note", "warning", "error"}
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result["kind"] == "fail"
        assert result["message"]["text"]
        (place,) = result["locations"]
        assert set(place["physicalLocation"]["artifactLocation"]) == {"uri"}
    for invocation in run["invocations"]:
        assert isinstance(invocation["executionSuccessful"], bool)
        for note in invocation["toolExecutionNotifications"]:
            assert note["message"]["text"]
    return dict(run)


def test_sarif_names_failed_steps_with_levels_and_places(media: Path, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "out.sarif"
    strange = media / "z \x01é#%.jpg"
    strange.write_bytes((media / "c-invalid.jpg").read_bytes())
    assert run("verify", media, "--sarif", out).code == 1
    told = check_sarif(json.loads(out.read_bytes()))
    found = {(Path(r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]).name, r["ruleId"], r["level"])
             for r in told["results"]}  # fmt: skip
    assert found == {
        ("c-invalid.jpg", "step-10-content", "error"),
        ("z%20%01%C3%A9%23%25.jpg", "step-10-content", "error"),
        ("e-ai.jpg", "declared-synthetic", "note"),
    }
    (invocation,) = told["invocations"]
    assert not invocation["executionSuccessful"]
    assert len(invocation["toolExecutionNotifications"]) == 1
    run("verify", media / "b-absent.jpg", "--sarif", out)
    clean = check_sarif(json.loads(out.read_bytes()))
    assert clean["results"] == []
    assert clean["invocations"][0]["executionSuccessful"]


def test_an_unknown_signer_is_a_warning_in_sarif_and_no_error(
    media: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "other"))
    run("verify", media / "a-trusted.jpg", "--sarif", tmp_path / "x.sarif")
    (result,) = check_sarif(json.loads((tmp_path / "x.sarif").read_bytes()))["results"]
    assert (result["ruleId"], result["level"]) == ("step-06-trust", "warning")


def test_the_page_counts_links_and_draws_what_a_file_was_made_from(media: Path, tmp_path: Path, run: Run) -> None:
    page = tmp_path / "page.html"
    said = run("verify", media, "--html", page, "--tree")
    text = page.read_text()
    for state in STATES:
        assert f"</b>{state}<span>" in text
    for number in range(1, 6):
        assert text.count(f'href="#f{number}"') == text.count(f'id="f{number}"') == 1
    assert text.count('class="node ') == 3, "a tree for each file with a manifest"
    assert "made by AI" in text
    assert "<script" not in text
    assert "src=" not in text.replace('src="data:image/jpeg;base64', "")
    assert "└" not in said.out or "signed by" in said.out


def test_the_tree_is_told_on_the_terminal(media: Path, tmp_path: Path, run: Run) -> None:
    whole = tmp_path / "whole.jpg"
    part = f"componentOf={media / 'e-ai.jpg'}"
    assert run("sign", media / "b-absent.jpg", whole, "--source-type", "composite", "--ingredient", part).code == 0
    said = run("verify", whole, "--tree")
    assert said.code == 1, "a part that was made by AI is declared"
    assert "└─ + put in: e-ai.jpg  [trusted]" in said.out
    assert "· created (made by AI)" in said.out


def test_a_run_is_resumed(media: Path, tmp_path: Path, run: Run) -> None:
    lines = tmp_path / "run.jsonl"
    first = run("verify", media, "--json")
    lines.write_text("\n".join(first.out.splitlines()[:3]) + "\n")
    said = run("verify", media, "--resume", lines)
    assert [("not done again" in line) for line in said.out.splitlines()] == [True, True, True, False, False]
    assert run("verify", media, "--resume", lines, "--json").out == first.out
    assert run("verify", media, "--resume", media / "d-text.txt").code == 2


def test_options_that_contradict_each_other_are_wrong_usage(media: Path, run: Run) -> None:
    assert run("verify", media, "--json", "--csv").code == 2
    assert run("verify", media, "--jobs", "0").code == 2
    assert run("verify", media, "--sidecar", "x.c2pa").code == 2
    assert run("verify", media / "nowhere" / "x", "--html", media / "none" / "x.html").code == 2


def test_one_file_is_told_step_by_step_and_many_when_asked(media: Path, run: Run) -> None:
    alone = run("verify", media / "a-trusted.jpg").out
    assert " 10 content: the content is byte for byte" in alone
    assert " 10 content: the content is byte for byte" in run("verify", media, "-v").out


def test_signers_are_trusted_by_file_folder_and_fingerprint(
    media: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = load_credentials()
    told = json.loads(run("verify", "--json", media / "a-trusted.jpg").out)
    leaf = told["facts"]["certificate_sha256"]
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "a.pem").write_bytes(credentials.anchor_pem)
    (lists / "notes.txt").write_text("not a certificate")
    ways = ([lists], [lists / "a.pem"], ["--fingerprint", leaf.upper()])
    for number, way in enumerate(ways):
        monkeypatch.setenv("ASSAY_HOME", str(tmp_path / f"home{number}"))
        assert run("verify", media / "a-trusted.jpg").out.split(": ")[1] == "untrusted"
        assert "nobody is trusted" in run("certs", "show").out
        assert run("certs", "trust", *way).code == 0
        assert run("verify", media / "a-trusted.jpg").out.split(": ")[1] == "trusted"
        shown = run("certs", "show").out
        assert "SHA-256" in shown
        assert "trust list of 20" in shown
        known = json.loads(run("certs", "show", "--json").out)
        assert len(known["anchors"]) + len(known["allowed"]) == 1
    assert leaf in shown
    assert run("certs", "trust").code == 2
    assert run("certs", "trust", media).code == 2, "a folder without certificates"
    assert run("certs", "trust", "--fingerprint", "beef").code == 3


def test_a_damaged_list_in_a_folder_trusts_nobody_of_it(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("certs", "make").code == 0
    good = load_credentials().anchor_pem
    (tmp_path / "a.pem").write_bytes(good)
    (tmp_path / "b.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "other"))
    assert run("certs", "trust", tmp_path).code == 3
    assert json.loads(run("certs", "show", "--json").out)["anchors"] == []


def test_a_locked_key_signs_with_its_passphrase(media: Path, tmp_path: Path, run: Run) -> None:
    from cryptography.hazmat.primitives import serialization as to

    credentials = load_credentials()
    key = to.load_pem_private_key(credentials.key_pem, None)
    locked = key.private_bytes(to.Encoding.PEM, to.PrivateFormat.PKCS8, to.BestAvailableEncryption(b"open sesame"))
    names = {"key.pem": locked, "chain.pem": credentials.chain_pem, "good": b"open sesame\n", "bad": b"no\n"}
    for name, data in names.items():
        (tmp_path / name).write_bytes(data)
    pair = ("--key", tmp_path / "key.pem", "--chain", tmp_path / "chain.pem", "--source-type", "digitalCapture")
    plain, out = media / "b-absent.jpg", tmp_path / "out.jpg"
    assert run("sign", plain, out, *pair).code == 3
    assert run("sign", plain, out, *pair, "--passphrase", tmp_path / "bad").code == 3
    assert not out.exists()
    assert run("sign", plain, out, *pair, "--passphrase", tmp_path / "good").code == 0
    assert run("verify", out).out.split(": ")[1] == "trusted"
    assert run("sign", plain, tmp_path / "o2.jpg", "--key", tmp_path / "key.pem").code == 2


def test_a_sidecar_is_written_when_asked_for(media: Path, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "beside.jpg"
    said = run("sign", media / "b-absent.jpg", out, "--source-type", "digitalCapture", "--sidecar", "always")
    assert said.code == 0
    assert run("verify", out).out.split(": ")[1] == "absent"
    assert run("verify", out, "--sidecar", tmp_path / "beside.c2pa").out.split(": ")[1] == "trusted"
    assert run("sign", media / "b-absent.jpg", tmp_path / "x.jpg", "--sidecar", "perhaps").code == 2
    alone = run("verify", tmp_path / "beside.c2pa")
    assert (alone.code, alone.out) == (3, "")
    assert "name this by --sidecar" in alone.err
    assert "--sidecar belongs to one file, got a folder" in run("verify", media, "--sidecar", out).err


def test_a_reader_that_goes_away_ends_the_run_quietly(media: Path) -> None:
    program = Path(sys.executable).with_name("assay")
    done = subprocess.run(
        ["sh", "-c", f"'{program}' verify --json -j 2 '{media}' | head -n 1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["state"] == "trusted"
    assert "Traceback" not in done.stderr


def test_a_second_opinion_is_told_and_kept(media: Path, tmp_path: Path, run: Run) -> None:
    said = run("verify", media / "a-trusted.jpg", "--second-opinion")
    assert said.code == 0
    assert "second opinion: trusted" in said.out
    told = [json.loads(line) for line in run("verify", media, "--second-opinion", "--json").out.splitlines()]
    opinions = [one.get("facts", {}).get("second_opinion", {}).get("state") for one in told]
    assert opinions == ["trusted", "absent", "invalid", None, "trusted"]
    assert all(one["facts"]["second_opinion"]["disagreements"] == [] for one in told if "facts" in one)
    lines = tmp_path / "run.jsonl"
    lines.write_text(run("verify", media, "--json").out)
    again = run("verify", media, "--resume", lines, "--second-opinion").out
    assert "not done again" not in again, "answers without a second opinion are not taken for such"


def test_disagreements_of_the_two_readers_are_shown(shared: Path, tmp_path: Path, run: Run) -> None:
    path = shared / "media" / "c2pa" / "c2pa-rs" / "no_alg.jpg"
    page = tmp_path / "page.html"
    said = run("verify", path, "--second-opinion", "--html", page)
    assert "the first reader says fail, the second pass" in said.out
    assert "A second reader of our own does not agree" in page.read_text()
    row = list(csv.reader(io.StringIO(run("verify", path, "--second-opinion", "--csv").out)))[1]
    assert "the second pass" in row[HEADER.index("disagreements")]


def test_the_kind_of_asset_is_said(media: Path, run: Run) -> None:
    assert "asset class fullyGenAIMedia: " in run("verify", media / "e-ai.jpg").out
    told = [json.loads(line) for line in run("verify", media, "--json").out.splitlines()]
    assert [one.get("asset_class") for one in told] == [
        "capturedMedia",
        "unknown",
        "unknown",
        None,
        "fullyGenAIMedia",
    ]


def test_only_hosts_that_were_named_are_asked(shared: Path, run: Run) -> None:
    path = shared / "media" / "c2pa" / "c2pa-rs" / "cloud.jpg"
    assert run("verify", path).out.split(": ")[1] == "absent"
    said = run("verify", path, "--remote-host", "manifests.example")
    assert said.code == 3
    assert "is not among those that may be asked" in said.err


def test_a_token_needs_its_module_and_a_chain(media: Path, tmp_path: Path, run: Run) -> None:
    plain, out = media / "b-absent.jpg", tmp_path / "out.jpg"
    token = ("--token", "mine", "--key", "label")
    chain = tmp_path / "chain.pem"
    chain.write_bytes(load_credentials().chain_pem)
    assert run("sign", plain, out, *token).code == 2
    assert run("sign", plain, out, *token, "--chain", chain).code == 2
    said = run("sign", plain, out, *token, "--chain", chain, "--pkcs11", tmp_path / "none.so")
    assert said.code == 3
    assert "cannot be used" in said.err or "needs the extra" in said.err
    assert not out.exists()


def test_a_broken_ingredient_is_told_in_every_form_and_ends_with_1(media: Path, tmp_path: Path, run: Run) -> None:
    folder, page, log = tmp_path / "made", tmp_path / "page.html", tmp_path / "out.sarif"
    folder.mkdir()
    whole, clean = folder / "whole.jpg", folder / "clean.jpg"
    for out, part in ((whole, "c-invalid.jpg"), (clean, "a-trusted.jpg")):
        with_part = ("--source-type", "composite", "--ingredient", f"componentOf={media / part}")
        assert run("sign", media / "b-absent.jpg", out, *with_part).code == 0
    assert run("verify", clean).code == 0
    alone = run("verify", whole)
    assert alone.code == 1
    assert alone.out.split(": ")[1] == "trusted", "the file itself is as it was signed"
    assert "BROKEN INGREDIENTS: 1 (c-invalid.jpg)" in alone.out
    both = run("verify", folder, "--html", page, "--sarif", log)
    assert both.code == 1
    assert ["BROKEN INGREDIENTS: 1" in line for line in both.out.splitlines()] == [False, True]
    assert "2 trusted" in both.err
    assert "; 1 made from broken ingredients, whatever the state" in both.err
    told = [json.loads(line) for line in run("verify", folder, "--json").out.splitlines()]
    assert [(one["state"], one["exit"], one["broken_ingredients"]) for one in told] == [
        ("trusted", 0, []),
        ("trusted", 1, ["c-invalid.jpg"]),
    ]
    rows = list(csv.DictReader(io.StringIO(run("verify", folder, "--csv").out)))
    assert [(row["exit"], row["broken_ingredients"]) for row in rows] == [("0", "0"), ("1", "1")]
    results = check_sarif(json.loads(log.read_bytes()))["results"]
    assert {(one["ruleId"], one["level"]) for one in results} == {("step-12-ingredients", "warning")}
    text = page.read_text()
    assert "1 of them is made from something that does not hold" in text
    assert "1 part of it does not hold" in text
    lines = tmp_path / "run.jsonl"
    lines.write_text(run("verify", folder, "--json").out)
    assert run("verify", folder, "--resume", lines).code == 1
