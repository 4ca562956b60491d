"""Batches: order, errors as answers, taking up an earlier run, and what the processes load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from assay.media.errors import InputError, UnreadableMedia
from assay.provenance.batch import Answer, Batch, files_below, judged_under, verify_each
from assay.provenance.certs import Credentials, load_credentials, make_authority, make_leaf
from assay.provenance.resume import Earlier, verification_of
from assay.provenance.sign import Action, Manifest, sign_file
from assay.provenance.trust import Trust
from assay.provenance.verification import Check, State, Verification
from assay.provenance.verify import verify
from PIL import Image

MADE = Verification(state=State.ABSENT, checks=(Check(step=1, name="x", outcome="pass", sentence="y", codes=("c",)),))


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    folder = tmp_path_factory.mktemp("certs")
    now = datetime.now(UTC)
    make_authority(folder, organisation="Batch", now=now)
    make_leaf(folder, organisation="Batch", now=now)
    return load_credentials(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, credentials: Credentials, makers: ModuleType) -> Path:
    """A folder with a file for each state that a file of one's own can have, and some that do not count."""
    base = tmp_path_factory.mktemp("batch")
    plain = base / "b" / "absent.png"
    plain.parent.mkdir()
    plain.write_bytes(makers.picture_file(Image.fromarray(makers.card()), "PNG"))
    signed = base / "a.jpg"
    plain_jpeg = base / ".hidden.jpg"
    plain_jpeg.write_bytes(makers.picture_file(Image.fromarray(makers.card()), "JPEG"))
    manifest = Manifest(version="1", actions=(Action(name="c2pa.created", source_type="digitalCapture"),))
    sign_file(plain_jpeg, signed, manifest, credentials)
    data = bytearray(signed.read_bytes())
    data[-20] ^= 1
    (base / "c.jpg").write_bytes(data)
    (base / "b.txt").write_text("no media at all")
    (base / "a.c2pa").write_bytes(b"a sidecar")
    (base / "link.jpg").symlink_to(signed)
    (base / ".git").mkdir()
    (base / ".git" / "x.jpg").write_bytes(b"")
    return base


def batch(trust: Trust, *, jobs: int = 1, earlier: Earlier | None = None) -> Batch:
    return Batch(check=lambda path: verify(path, trust=trust), under=judged_under(trust), jobs=jobs, earlier=earlier)


def made_by(log: list[str]) -> Batch:
    def check(path: Path) -> Verification:
        log.append(path.name)
        return MADE

    return Batch(check=check, under="test")


def test_files_below_a_folder_come_sorted_without_hidden_files_links_and_sidecars(folder: Path) -> None:
    found = [path.relative_to(folder).as_posix() for path in files_below([folder])]
    assert found == ["a.jpg", "b/absent.png", "b.txt", "c.jpg"]
    assert list(files_below([folder / "c.jpg", folder / "nowhere", folder / "link.jpg"])) == [
        folder / "c.jpg",
        folder / "nowhere",
        folder / "link.jpg",
    ], "what is named is looked at as it is"


def test_answers_do_not_depend_on_the_number_of_jobs(folder: Path, credentials: Credentials) -> None:
    trust = Trust().add(credentials.anchor_pem)
    one, two, many = (
        [answer.to_json() for answer in verify_each(files_below([folder]), batch(trust, jobs=jobs))]
        for jobs in (1, 2, 9)
    )
    assert one == two == many
    assert [told["state"] for told in one] == ["trusted", "absent", "not checked", "invalid"]


def test_the_slowest_file_holds_back_the_order_and_not_the_work() -> None:
    started, late = [], threading.Event()

    def check(path: Path) -> Verification:
        started.append(path.name)
        if path.name == "0":
            assert late.wait(20), "the others were not begun while the first was waited for"
        elif path.name == "5":
            late.set()
        return MADE

    paths = [Path(str(number)) for number in range(8)]
    answers = list(verify_each(paths, Batch(check=check, under="test", jobs=3)))
    assert [answer.path for answer in answers] == paths


def test_few_files_are_taken_before_they_can_be_told() -> None:
    taken = []

    def paths() -> Iterator[Path]:
        for number in range(1000):
            taken.append(number)
            yield Path(str(number))

    answers = verify_each(paths(), Batch(check=lambda _: MADE, under="test", jobs=2))
    for _ in range(3):
        next(answers)
    answers.close()
    assert len(taken) <= 12


def test_errors_are_answers_and_carry_their_exit_codes(folder: Path, credentials: Credentials) -> None:
    trust = Trust().add(credentials.anchor_pem)
    paths = [folder / "nowhere.jpg", folder / "b.txt", folder / "a.jpg", folder / "c.jpg"]
    answers = list(verify_each(paths, batch(trust, jobs=2)))
    assert [answer.exit_code for answer in answers] == [2, 3, 0, 1]
    told = answers[0].to_json()
    assert told["state"] == "not checked"
    assert told["error"]["type"] == "InputError"
    assert told["size"] is None


def test_an_earlier_run_is_taken_up(tmp_path: Path, folder: Path, credentials: Credentials) -> None:
    trust = Trust().add(credentials.anchor_pem)
    files = list(files_below([folder]))
    lines = tmp_path / "run.jsonl"
    first = list(verify_each(files, batch(trust)))
    lines.write_text("".join(json.dumps(answer.to_json()) + "\n" for answer in first) + '{"path": "cut o')
    again = list(verify_each(files, batch(trust, jobs=2, earlier=Earlier.open(lines))))
    assert [answer.to_json() for answer in again] == [answer.to_json() for answer in first]
    assert [answer.seen_before for answer in again] == [True, True, False, True], "an error is tried again"
    other = list(verify_each(files, batch(Trust(), earlier=Earlier.open(lines))))
    assert [answer.state for answer in other] == ["untrusted", "absent", "not checked", "invalid"]
    assert not any(answer.seen_before for answer in other), "another trust gives other answers"


@pytest.mark.parametrize("change", ["content", "sidecar", "time"])
def test_a_file_that_changed_is_done_again(tmp_path: Path, change: str) -> None:
    path, lines, log = tmp_path / "x.ogg", tmp_path / "run.jsonl", list[str]()
    path.write_bytes(b"1234")
    lines.write_text("".join(json.dumps(one.to_json()) + "\n" for one in verify_each([path], made_by(log))))
    plan = Batch(check=made_by(log).check, under="test", earlier=Earlier.open(lines))
    assert next(verify_each([path], plan)).seen_before
    if change == "content":
        path.write_bytes(b"12345")
    elif change == "sidecar":
        path.with_suffix(".c2pa").write_bytes(b"new")
    else:
        os.utime(path, ns=(1, 1))
    assert not next(verify_each([path], plan)).seen_before
    assert log == ["x.ogg", "x.ogg"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("not json\n", "line 1 is none", id="no JSON"),
        pytest.param('{"path": "x"}\n', "lacks path, state", id="other JSON"),
        pytest.param("[1]\n", "lacks path, state", id="a list"),
    ],
)
def test_a_file_that_is_no_earlier_run_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "x.jsonl").write_text(text)
    with pytest.raises(InputError, match=says):
        Earlier.open(tmp_path / "x.jsonl")
    with pytest.raises(InputError, match="No such file"):
        Earlier.open(tmp_path / "none.jsonl")


def test_an_answer_survives_the_way_through_json() -> None:
    told = json.loads(json.dumps({"path": "x", **MADE.to_json()}))
    assert verification_of(told) == MADE
    with pytest.raises(InputError, match="damaged"):
        verification_of({**told, "checks": [{"step": 1}]})


def test_names_that_are_no_text_are_carried_through(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n.jpg"))
    path.write_bytes(b"x")
    log: list[str] = []
    (answer,) = verify_each(files_below([tmp_path]), made_by(log))
    assert json.loads(json.dumps(answer.to_json()))["path"] == str(path)


def test_an_error_of_ours_in_one_thread_does_not_lose_the_others() -> None:
    def check(path: Path) -> Verification:
        if path.name == "1":
            raise UnreadableMedia("broken")
        time.sleep(0.01)
        return MADE

    paths = [Path(str(number)) for number in range(6)]
    answers: list[Answer] = list(verify_each(paths, Batch(check=check, under="test", jobs=3)))
    assert [answer.state for answer in answers] == ["absent", "not checked", *["absent"] * 4]


def test_no_job_is_refused() -> None:
    with pytest.raises(InputError, match="at least one job"):
        Batch(check=lambda _: MADE, under="x", jobs=0)


def test_the_processes_of_a_batch_load_no_codec_and_no_network(folder: Path) -> None:
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from assay.provenance.batch import Batch, files_below, verify_each\n"
        "from assay.provenance.verify import verify\n"
        "answers = list(verify_each(files_below([Path(sys.argv[1])]), Batch(check=verify, under='x', jobs=2)))\n"
        # /proc/PID/task/*/children may miss the children of a thread that is just ending: ask each process instead.
        "parent = f'PPid:\\t{os.getpid()}\\n'\n"
        "def of_us(one):\n"
        "    try:\n"
        "        return parent in (one / 'status').read_text()\n"
        "    except OSError:  # it has just ended\n"
        "        return False\n"
        "pids = [one.name for one in Path('/proc').glob('[0-9]*') if of_us(one)]\n"
        "maps = ''.join(Path('/proc', pid, 'maps').read_text() for pid in (*pids, 'self'))\n"
        "heavy = ('torch', '/av/', 'cv2', 'numpy', 'onnxruntime')\n"
        "print(len(answers), len(pids) > 0, 'c2pa' in maps, [name for name in heavy if name in maps])\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code, folder], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=3) == ["4", "True", "True", "[]\n"], done.stdout
