"""Detectors made by others, asked in every way: what they answer, how they break, and that nothing of it spreads."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from assay.eval.plugins import WAYS, Answer, Card, Plugin, plugin, read_card
from assay.media.errors import InputError

DETECTOR = """
import os, sys, time

def size(path):
    print("loading weights, please wait")
    return os.path.getsize(path)

def ratio(path):
    return {"score": 2.302585092994046, "model": "x"}

def picky(path):
    return {"skip": "no face"}

def silent(path):
    return None

calls = 0

def third(path):
    global calls
    calls += 1
    if calls % 3 == 0:
        os._exit(9)
    return 0.25

def raises(path):
    raise ValueError("bad " + "weights")

def hangs(path):
    import subprocess
    child = subprocess.Popen(["sleep", "60"])
    with open(os.environ["PIDS"], "a") as file:
        file.write(f"{os.getpid()} {child.pid}\\n")
    time.sleep(60)

def nan(path):
    return float("nan")
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "detector.py"
    path.write_text(DETECTOR)
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    made = [tmp_path / f"{number:04x}.wav" for number in range(9)]
    for number, path in enumerate(made):
        path.write_bytes(bytes(10 + number))
    return made


@pytest.fixture
def opened() -> Iterator[Callable[[Card], Plugin]]:
    kept: list[Plugin] = []

    def begin(card: Card) -> Plugin:
        kept.append(plugin(card))
        return kept[-1]

    yield begin
    for one in kept:
        one.close()


def _card(module: Path, function: str, **more: object) -> Card:
    return Card.of({"name": function, "run": f"py:{module}:{function}", **more})


def _told(answers: list[Answer]) -> list[str]:
    return [answer.outcome for answer in answers]


def test_a_python_function_stays_warm_and_what_it_prints_is_no_answer(
    module: Path, files: list[Path], opened: Callable[[Card], Plugin]
) -> None:
    asked = opened(_card(module, "size"))
    assert [asked.ask(path).score for path in files] == [10.0 + number for number in range(9)]


@pytest.mark.parametrize(
    ("function", "more", "score"),
    [
        pytest.param("size", {"higher": "real"}, -10.0, id="a score for real is turned round"),
        pytest.param("ratio", {"scale": "ln-llr"}, 1.0, id="a natural ratio becomes one of base 10"),
        pytest.param("ratio", {"scale": "llr"}, math.log(10.0), id="a ratio of base 10 stays"),
    ],
)
def test_a_card_says_what_a_score_means(
    module: Path, files: list[Path], opened: Callable[[Card], Plugin], function: str, more: dict[str, str], score: float
) -> None:
    assert opened(_card(module, function, **more)).ask(files[0]).score == pytest.approx(score)


@pytest.mark.parametrize(
    ("function", "more", "outcome", "why"),
    [
        pytest.param("picky", {}, "skipped", "no face", id="a reason is a skip"),
        pytest.param("silent", {}, "skipped", "no score", id="None is a skip"),
        pytest.param("raises", {}, "crashed", "ValueError: bad weights", id="an exception is a crash"),
        pytest.param("nan", {}, "crashed", "finite", id="NaN is a crash"),
        pytest.param("size", {"scale": "probability"}, "crashed", "probability", id="10 is no probability"),
        pytest.param("absent", {}, "crashed", "absent", id="a function that is not there"),
    ],
)
def test_what_is_no_score_is_told_apart(
    module: Path,
    files: list[Path],
    opened: Callable[[Card], Plugin],
    function: str,
    more: dict[str, str],
    outcome: str,
    why: str,
) -> None:
    answer = opened(_card(module, function, **more)).ask(files[0])
    assert (answer.outcome, answer.score) == (outcome, None)
    assert why in answer.why


def test_a_detector_that_dies_on_every_third_file_is_started_again(
    module: Path, files: list[Path], opened: Callable[[Card], Plugin]
) -> None:
    asked = opened(_card(module, "third"))
    answers = [asked.ask(path) for path in files]
    assert _told(answers) == ["scored", "scored", "crashed"] * 3
    assert "status 9" in answers[2].why


def test_a_detector_that_hangs_is_ended_with_its_children(
    module: Path, files: list[Path], opened: Callable[[Card], Plugin], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIDS", str(tmp_path / "pids"))
    asked = opened(_card(module, "hangs", timeout=0.7))
    begun = time.monotonic()
    assert _told([asked.ask(path) for path in files[:2]]) == ["timed out"] * 2
    assert time.monotonic() - begun < 8.0
    for pid in (tmp_path / "pids").read_text().split():
        assert not _lives(int(pid))


def _lives(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    until = time.monotonic() + 2.0
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state == "Z":
            return False
        time.sleep(0.05)
    return True


def test_a_program_is_started_for_each_file_or_once(files: list[Path], opened: Callable[[Card], Plugin]) -> None:
    each = f"{sys.executable} -c \"import os,sys; print('talk'); print(os.path.getsize(sys.argv[1]))\" {{path}}"
    once = (
        f'{sys.executable} -c "import os,sys\nfor line in sys.stdin: '
        "print('talk'); print(os.path.getsize(line.strip()), flush=True)\""
    )
    for command in (each, once):
        asked = opened(read_card(f"cmd:{command}"))
        assert [asked.ask(path).score for path in files[:3]] == [10.0, 11.0, 12.0]


def test_a_program_that_fails_hangs_or_is_absent_is_counted(
    files: list[Path], opened: Callable[[Card], Plugin]
) -> None:
    fails = opened(read_card("cmd:sh -c 'echo oh dear >&2; exit 3' {path}")).ask(files[0])
    assert fails.outcome == "crashed"
    assert "status 3: oh dear" in fails.why
    assert opened(read_card("cmd:no-such-program {path}")).ask(files[0]).outcome == "crashed"
    assert opened(read_card("cmd:echo nothing {path}")).ask(files[0]).outcome == "crashed"
    slow = Card.of({"name": "slow", "run": "cmd:sh -c 'sleep 60' {path}", "timeout": 0.3})
    assert opened(slow).ask(files[0]).outcome == "timed out"
    missing = opened(read_card("cmd:no-such-program"))
    assert _told([missing.ask(path) for path in files[:5]]) == ["crashed"] * 5


class _Answers(BaseHTTPRequestHandler):
    """Answers by the path asked for."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/hang":
            time.sleep(3.0)
        text = {"/size": f'{{"score": {len(body)}}}', "/path": body.decode("latin-1"), "/skip": '{"skip": "no sound"}'}
        self.send_response(500 if self.path == "/broken" else 200)
        self.end_headers()
        if self.path == "/drip":
            for _ in range(20):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.2)
        self.wfile.write(text.get(self.path, "no json").encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        del format, args


@pytest.fixture
def server() -> Iterator[str]:
    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            del request, client_address

    with Quiet(("127.0.0.1", 0), _Answers) as served:
        threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/size", "scored"),
        ("/skip", "skipped"),
        ("/broken", "crashed"),
        ("/words", "crashed"),
        ("/hang", "timed out"),
        ("/drip", "timed out"),
    ],
)
def test_an_address_answers_breaks_or_hangs(
    server: str, files: list[Path], opened: Callable[[Card], Plugin], path: str, outcome: str
) -> None:
    answer = opened(Card.of({"name": "web", "run": server + path, "timeout": 0.6})).ask(files[0])
    assert answer.outcome == outcome
    assert answer.score == (10.0 if outcome == "scored" else None)


def test_an_address_that_is_not_there_is_a_crash(files: list[Path], opened: Callable[[Card], Plugin]) -> None:
    assert opened(read_card("http://127.0.0.1:9/score")).ask(files[0]).outcome == "crashed"


def test_an_address_can_be_sent_the_path_alone(
    server: str, files: list[Path], opened: Callable[[Card], Plugin]
) -> None:
    card = Card.of({"name": "web", "run": f"{server}/path", "send": "path", "key": "path"})
    answer = opened(card).ask(files[0])
    assert answer.outcome == "crashed"
    assert str(files[0]) in answer.why


def test_media_goes_to_another_machine_only_where_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--allow-host detector\.example"):
        read_card("http://detector.example/score")
    assert read_card("http://detector.example/score", hosts=["detector.example"]).hosts == ("detector.example",)
    card = tmp_path / "card.toml"
    card.write_text('name = "x"\nrun = "http://detector.example/"\nhosts = ["detector.example"]\n')
    with pytest.raises(InputError, match="no matter of the card"):
        read_card(str(card))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('name = "x"', "run"),
        ('name = "x"\nrun = "py:a:b"\ncolour = 1', "colour"),
        ('name = "x"\nrun = "py:a:b"\nhigher = "up"', "higher"),
        ('name = "x"\nrun = "py:a"', "py:MODULE"),
        ('name = "x"\nrun = "py:a:b"\nkinds = ["text"]', "kinds"),
        ('name = "x"\nrun = "py:a:b"\ntimeout = 0', "time limits"),
        ("name = ", "TOML"),
    ],
)
def test_a_card_that_is_wrong_is_refused_with_the_place(tmp_path: Path, text: str, match: str) -> None:
    path = tmp_path / "card.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=match):
        read_card(str(path))


def test_a_card_tells_all_there_is(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    path.write_text(
        'name = "ours"\nrun = "cmd:./x {path}"\nversion = "2"\nkinds = ["image"]\nhigher = "real"\nscale = "llr"\n'
        'timeout = 3.5\ntrained_on = ["world-copy"]\nkey = "fake"\n'
    )
    card = read_card(str(path))
    assert (card.kinds, card.higher, card.calibrated, card.trained_on) == (("image",), "real", True, ("world-copy",))
    assert Card.of(card.to_json()) == card


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(InputError, match=next(iter(WAYS))):
        plugin(Card.of({"name": "x", "run": "ftp:there"}))


def test_another_interpreter_needs_nothing_of_ours(
    module: Path, files: list[Path], opened: Callable[[Card], Plugin]
) -> None:
    base = Path(os.path.realpath(sys.executable))
    asked = opened(_card(module, "size", python=str(base)))
    assert asked.ask(files[0]).score == 10.0
