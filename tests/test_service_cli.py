"""The command line: exit codes, errors in one line, reports as data, and no way around publish."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

SECONDS_MOST = 60
PROGRAM = Path(sys.executable).with_name("assay")


Run = Callable[..., Any]


def _bad_files(folder: Path, makers: ModuleType, rng: np.random.Generator) -> Iterator[tuple[str, Path, set[int]]]:
    """Yield a name, a file that is bad or odd, and the exit codes that are right for it."""
    film = makers.film(12, audio=makers.tone())
    nan = makers.tone().samples.copy()
    nan[0, 100] = np.nan
    made: dict[str, tuple[str, bytes, set[int]]] = {
        "empty": ("empty.jpg", b"", {3}),
        "ten random bytes": ("random.mp4", rng.bytes(10), {3}),
        "text named mp4": ("text.mp4", b"This is not a film.\n" * 50, {3}),
        "truncated mp4": ("cut.mp4", film[: len(film) // 2], {3}),
        "truncated jpg": ("cut.jpg", _picture(makers, "JPEG")[:900], {3}),
        "truncated wav": ("cut.wav", _wav(makers)[:30], {3}),
        "png bomb": ("bomb.png", makers.png_header(50_000, 50_000), {3}),
        "film without frames": ("none.mp4", makers.film_without_frames("mp4"), {3}),
        "wav without samples": ("none.wav", makers.wav_floats(np.zeros((1, 0), np.float32), 16_000), {3}),
        "wav with NaN": ("nan.wav", makers.wav_floats(nan, 48_000), {3}),
        "silent": ("silent.wav", makers.wav_floats(np.zeros((1, 32_000), np.float32), 16_000), {3}),
        "8 kHz mono": ("low.wav", makers.wav_floats(makers.tone(rate=8_000).samples, 8_000), {0, 3}),
        "6 channels": ("six.wav", makers.wav_floats(makers.tone(channels=6).samples, 48_000), {0, 3}),
        "one frame": ("one.mp4", makers.film(1), {0, 3}),
        "rotated phone film": ("turned.mp4", makers.rotated(makers.film(6), 90), {0, 3}),
        "name with blanks, quotes and a newline": ("a 'b' \"c\"\nd.png", _picture(makers, "PNG"), {0, 3}),
        "name outside ASCII": ("фото 写真.png", _picture(makers, "PNG"), {0, 3}),
    }
    for what, (name, data, codes) in made.items():
        path = folder / name
        path.write_bytes(data)
        yield what, path, codes


def _picture(makers: ModuleType, form: str) -> bytes:
    from PIL import Image

    data: bytes = makers.picture_file(Image.fromarray(makers.card()), form)
    return data


def _wav(makers: ModuleType) -> bytes:
    data: bytes = makers.wav_floats(makers.tone().samples, 48_000)
    return data


def test_bad_input_is_answered_clearly_and_never_with_a_traceback(
    tmp_path: Path, makers: ModuleType, rng: np.random.Generator, run: Run
) -> None:
    for what, path, codes in _bad_files(tmp_path, makers, rng):
        answer = run("scan", "--json", path)
        assert answer.code in codes, f"{what}: {answer.code} {answer.err}"
        (line,) = answer.out.splitlines()
        report = json.loads(line)
        assert report["path"] == str(path), what
        assert "Traceback" not in answer.err, what
        if "error" in report:
            assert report["verification"]["state"] == "not checked"
            assert report["error"]["message"], what
        else:
            assert len(report["findings"]) + len(report["skipped"]) >= 4, what


def test_bad_input_to_verify_is_an_error_or_a_state_and_never_a_traceback(
    tmp_path: Path, makers: ModuleType, rng: np.random.Generator, run: Run
) -> None:
    for what, path, _ in _bad_files(tmp_path, makers, rng):
        answer = run("verify", "--json", path)
        assert answer.code in {0, 1, 3}, f"{what}: {answer.code} {answer.err}"
        told = json.loads(answer.out.splitlines()[0])
        assert told["state"] in {"absent", "invalid", "not checked"}, what
        assert told["state"] != "not checked" or told["error"]["message"], what


def test_a_film_with_a_variable_frame_rate_is_examined(tmp_path: Path, makers: ModuleType, run: Run) -> None:
    from fractions import Fraction

    from assay.media.encode import encode_film

    frames = makers.frames([0.0, 0.04, 0.5, 0.52, 1.4])
    path = tmp_path / "variable.mp4"
    path.write_bytes(encode_film(frames, None, "mp4", rate=Fraction(25)))
    assert run("scan", "--json", path).code in {0, 3}


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda base: base / "nowhere.jpg", id="missing"),
        pytest.param(lambda base: _loop(base), id="symlink loop"),
    ],
)
@pytest.mark.parametrize("verb", ["scan", "verify", "mark", "label"])
def test_a_path_that_leads_nowhere_is_wrong_usage(
    tmp_path: Path, run: Run, make: Callable[[Path], Path], verb: str
) -> None:
    answer = run(verb, make(tmp_path))
    assert answer.code == 2
    assert answer.err.startswith("assay: ")
    assert len(answer.err.splitlines()) == 1
    assert answer.out == ""


def _loop(base: Path) -> Path:
    (base / "a").symlink_to(base / "b")
    (base / "b").symlink_to(base / "a")
    return base / "a"


def _without_override() -> None:
    """Drop what lets root read every file (CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, man 7 capabilities)."""
    drop, override, search = 24, 1, 2
    libc = ctypes.CDLL(None)
    libc.prctl(drop, override)
    libc.prctl(drop, search)


def test_a_file_without_read_permission_is_wrong_usage(tmp_path: Path, makers: ModuleType) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(_picture(makers, "PNG"))
    path.chmod(0)
    named, found = (
        subprocess.run(
            [PROGRAM, "scan", "--json", place],
            capture_output=True,
            text=True,
            timeout=SECONDS_MOST,
            check=False,
            preexec_fn=_without_override,
        )
        for place in (path, tmp_path)
    )
    assert (named.returncode, found.returncode) == (2, 2), named.stderr + found.stderr
    assert "not readable" in named.stderr
    assert "Traceback" not in named.stderr + found.stderr
    assert json.loads(found.stdout)["error"]["type"] == "InputError"


def test_a_folder_is_scanned_file_by_file_in_order(tmp_path: Path, makers: ModuleType, run: Run) -> None:
    for name in ("b.png", "a.png", ".hidden.png"):
        (tmp_path / name).write_bytes(_picture(makers, "PNG"))
    answer = run("scan", "--json", tmp_path)
    assert [Path(json.loads(line)["path"]).name for line in answer.out.splitlines()] == ["a.png", "b.png"]


def test_an_empty_folder_is_not_a_clean_bill(tmp_path: Path, run: Run) -> None:
    assert run("scan", tmp_path).code == 3


def test_a_scan_report_has_the_promised_fields(tmp_path: Path, makers: ModuleType, run: Run) -> None:
    path = tmp_path / "card.png"
    path.write_bytes(_picture(makers, "PNG"))
    page = tmp_path / "report.html"
    report = json.loads(run("scan", "--json", "--html", page, path).out)
    promised = {"path", "sha256", "verification", "marks", "labels", "verdict", "findings", "skipped", "conflicts"}
    assert promised <= set(report)
    assert {"conclusion", "llr", "interval"} <= set(report["verdict"])
    assert report["verification"]["state"] == "absent"
    text = page.read_text()
    assert "card.png" in text
    assert "<script" not in text
    assert "http://" not in text.replace("http://cv.iptc.org", "").replace("http://www.w3.org", "")


def test_a_strangers_text_cannot_steer_terminal_or_page(tmp_path: Path, makers: ModuleType, run: Run) -> None:
    path = tmp_path / "\x1b[31m<script>alert(1)</script>.png".replace("/", "_")
    path.write_bytes(_picture(makers, "PNG"))
    page = tmp_path / "report.html"
    answer = run("scan", "--html", page, path)
    assert "\x1b" not in answer.out
    assert "<script" not in page.read_text()


def test_a_name_that_is_no_text_reaches_the_page(tmp_path: Path, makers: ModuleType, run: Run) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / os.fsdecode(b"bad\xff\xe2\x80\xaename.png")).write_bytes(_picture(makers, "PNG"))
    page = tmp_path / "report.html"
    assert run("scan", "--html", page, folder).code == 3
    text = page.read_text()
    assert "bad" in text
    assert "\u202e" not in text
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


@pytest.mark.parametrize("place", [".", "nowhere/report.html"])
def test_a_page_that_cannot_be_written_is_refused_before_the_scan(tmp_path: Path, run: Run, place: str) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"never opened")
    answer = run("scan", "--html", tmp_path / place, path)
    assert answer.code == 2
    assert answer.out == ""


def test_a_crash_does_not_end_like_a_finding(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        msg = "a fault"
        raise ZeroDivisionError(msg)

    monkeypatch.setattr("assay.detect.scan.scan_each", broken)
    path = tmp_path / "x.png"
    path.write_bytes(b"x")
    answer = run("scan", path)
    assert answer.code == 3
    assert "fault of ours" in answer.err
    assert len(answer.err.splitlines()) == 1


def test_unknown_detectors_are_named_with_the_known(tmp_path: Path, run: Run) -> None:
    answer = run("scan", "--detectors", "tea-leaves", tmp_path)
    assert answer.code == 2
    assert "audio-whisper" in answer.err


def test_sign_and_verify_as_the_readme_says(tmp_path: Path, makers: ModuleType, run: Run) -> None:
    source, signed = tmp_path / "photo.jpg", tmp_path / "signed.jpg"
    source.write_bytes(_picture(makers, "JPEG"))
    assert run("certs", "make").code == 0
    assert run("sign", source, signed, "--source-type", "digitalCapture").code == 0
    answer = run("verify", "--json", signed)
    assert answer.code == 0
    assert json.loads(answer.out)["state"] == "trusted"
    assert run("sign", source, signed).code == 2, "a file that is there is not overwritten"
    assert run("certs", "make").code != 0, "keys that are there are not overwritten"
    data = bytearray(signed.read_bytes())
    data[-20] ^= 1
    signed.write_bytes(data)
    answer = run("verify", "--json", signed)
    assert answer.code == 1
    assert json.loads(answer.out)["state"] == "invalid"


def test_marks_take_a_key_of_ones_own(tmp_path: Path, run: Run) -> None:
    from assay.media.encode import encode_image
    from skimage.data import astronaut

    source, marked, key = tmp_path / "photo.png", tmp_path / "marked.png", tmp_path / "key"
    source.write_bytes(encode_image(astronaut(), "png"))
    key.write_text("5a" * 32)
    key.chmod(0o600)
    assert run("mark", source, marked).code == 2, "the public key is not for writing"
    source.chmod(0o644)
    assert run("mark", source, marked, "--key", key, "--id", "00000000deadbeef").code == 0
    assert marked.stat().st_mode & 0o777 == 0o644, "whoever may read the source may read the copy"
    answer = run("mark", marked, "--key", key, "--json")
    assert answer.code == 1
    assert json.loads(answer.out)["payload"] == "00000000deadbeef"
    assert run("mark", marked).code == 0, "another key reads nothing"


VERBS: dict[str, list[str]] = {
    "voice": [
        "generate",
        "voice",
        "Hello.",
        "--reference",
        "{voice}",
        "--subject",
        "ann",
        "--purpose",
        "test",
        "--out",
    ],
    "swap": [
        *("generate", "swap", "{face}", "{other}", "--face-of", "ann", "--footage-of", "bob"),
        *("--purpose", "test", "--out"),
    ],
}


def test_every_generation_verb_is_tried_here() -> None:
    from assay.service.cli.generate import app

    names = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert names == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_without_consent_a_generation_verb_leaves_no_file(
    tmp_path: Path, makers: ModuleType, run: Run, verb: str
) -> None:
    files: dict[str, Any] = {"voice": tmp_path / "v.wav", "face": tmp_path / "f.png", "other": tmp_path / "o.png"}
    files["voice"].write_bytes(_wav(makers))
    for name in ("face", "other"):
        files[name].write_bytes(_picture(makers, "PNG"))
    before = sorted(tmp_path.iterdir())
    suffix = ".wav" if verb == "voice" else ".png"
    answer = run(*(part.format(**files) for part in VERBS[verb]), tmp_path / f"out{suffix}")
    assert answer.code == 3
    assert "consent" in answer.err
    assert sorted(tmp_path.iterdir()) == before


def test_consent_is_granted_shown_and_revoked_for_good(tmp_path: Path, makers: ModuleType, run: Run) -> None:
    voice = tmp_path / "v.wav"
    voice.write_bytes(_wav(makers))
    options = ("--scope", "voice-clone", "--purpose", "test", "--statement", "I agree.")
    granted = run("consent", "grant", "ann", voice, *options)
    assert granted.code == 0
    identity = granted.out.strip()
    assert f"{identity}\tvalid\tann" in run("consent", "show").out
    assert json.loads(run("consent", "show", identity).out)["purpose"] == "test"
    assert run("consent", "revoke", identity, "--reason", "no longer").code == 0
    assert f"{identity}\trevoked" in run("consent", "show").out
    assert run("consent", "grant", "ann", voice, *options[2:], "--scope", "immortality").code == 2


def test_the_version_and_help_are_printed(run: Run) -> None:
    assert run("--version").out.startswith("assay 0.")
    assert "Exit:" in run("--help").out
