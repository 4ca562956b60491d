"""The marks bench from end to end: units of work in order, rows kept as they come, resumed where it stopped."""

from __future__ import annotations

import json
import math
import platform
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ... import __version__
from ...detect.page import save
from ...media.errors import AssayError, InputError
from . import alarms, keys, leak, speed, survival, uniform
from .attacks import BEYOND, MEANT, PEERED, attacks_on
from .contenders import CONTENDERS, contender
from .ledger import Record, Rows, claimed
from .material import Piece, draw, pieces

PARTS = ("survival", "peers", "alarms", "uniform", "keys", "speed", "leak")
KINDS = ("image", "audio", "film")
SHARES = {"audio": 0.70, "image": 0.28, "film": 0.02}
"""Of all unmarked cuts: a picture or film that carries nothing is searched for seconds."""
PEER_SHARES = {"dwtDctSvd-by-frame": 0.1, "invisible-watermark-rivaGan": 0.1}
"""Of the pieces that meet the schemes of others: these need minutes for a piece."""
Unit = tuple[str, Callable[[], Iterable[Record]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to measure, and on how much of it. `corpora` are folders in any layout that `assay data list` knows.

    `images`, `films` and `minutes` of sound meet every meant attack (a third of pictures and sounds the others too);
    `peers` pieces of each kind meet the schemes of others (a tenth of them the slow ones, `PEER_SHARES`), the first of
    those that meet ours; of `alarms` unmarked cuts, 70 % are sounds, 28 % pictures and 2 % films; `leaks` pieces of
    each kind are shown to the detectors.
    """

    corpora: tuple[Path, ...]
    out: Path
    parts: tuple[str, ...] = PARTS
    kinds: tuple[str, ...] = KINDS
    images: int = 110
    films: int = 22
    minutes: float = 61.0
    peers: int = 100
    alarms: int = 20_400
    leaks: int = 150
    strangers: int = 60
    seed: int = 1
    stop_after: float = float("inf")
    commit: str = ""
    command: str = ""

    def __post_init__(self) -> None:
        """Raise `InputError` for an unknown part or kind."""
        for given, known, what in ((self.parts, PARTS, "part"), (self.kinds, KINDS, "kind of media")):
            for name in given:
                if name not in known:
                    msg = f"expected a {what} of the marks bench out of {', '.join(known)}, got {name!r}"
                    raise InputError(msg)


def run(settings: Settings, *, progress: Callable[[str], None]) -> bool:
    """Do what is not done yet and return whether all of it now is.

    Rows lie under `out/rows`, one file a part and kind: several runs may share `out` if they share no such file.
    Raises `InputError` if `out` holds the rows of other settings.
    """
    _remember(settings)
    end = time.monotonic() + settings.stop_after
    finished = True
    for part in settings.parts:
        for kind in settings.kinds:
            with claimed(settings.out / "rows" / f"{part}-{kind}.jsonl") as rows:
                for name, work in _WORK[part](settings, kind, rows):
                    if name in rows.done:
                        continue
                    if time.monotonic() > end:
                        finished = False
                        break
                    progress(f"{part} {name}")
                    rows.add(name, work())
    return finished


def _survival(settings: Settings, kind: str, rows: Rows) -> Iterator[Unit]:
    name = leak.OUR_SCHEME[kind]
    scheme = contender(name)
    usable, seconds = 0, 0.0
    marked: list[Piece] = []
    most = {"image": settings.images, "film": settings.films}.get(kind)
    for piece in pieces(settings.corpora, kind, seed=settings.seed, made=kind == "audio"):
        if usable == most or (kind == "audio" and seconds >= 60 * settings.minutes):
            break
        more = kind != "film" and _every_third(piece, settings.seed)
        chains = attacks_on(kind) if more else MEANT[kind]
        trial = survival.Trial(piece=piece, scheme=scheme, attacks=chains, seed=settings.seed)
        yield trial.unit, partial(survival.tried, trial)
        row = next((r for r in rows.kept if r["row"] == "quality" and r["item"] == piece.item), None)
        if row is not None:
            usable, seconds = usable + 1, seconds + row.get("seconds", 0.0)
            marked.append(piece)
    for piece in marked if kind == "film" else ():
        trial = survival.Trial(piece=piece, scheme=scheme, attacks=BEYOND[kind], seed=settings.seed, again=True)
        yield trial.unit, partial(survival.tried, trial)


def _every_third(piece: Piece, seed: int) -> bool:
    """Return whether `piece` meets the attacks beyond the meant ones too: a drawn third does, to save time."""
    return draw(seed, "beyond", piece.item) % 3 == 0


def _peers(settings: Settings, kind: str, rows: Rows) -> Iterator[Unit]:
    names = [name for name in CONTENDERS if not name.startswith("assay-") and _kind_of(name) == kind]
    for name in sorted(names, key=lambda one: -PEER_SHARES.get(one, 1.0)):
        most, usable = math.ceil(settings.peers * PEER_SHARES.get(name, 1.0)), 0
        try:
            scheme = contender(name)
        except AssayError:
            continue
        for piece in _real(settings, kind):
            if usable == most:
                break
            trial = survival.Trial(piece=piece, scheme=scheme, attacks=PEERED[kind], seed=settings.seed)
            yield trial.unit, partial(survival.tried, trial)
            usable += any(r["row"] == "quality" and r["item"] == piece.item and r["scheme"] == name for r in rows.kept)


def _kind_of(name: str) -> str:
    return "audio" if name == "resemble-perth" else "film" if name.endswith("by-frame") else "image"


def _alarms(settings: Settings, kind: str, rows: Rows) -> Iterator[Unit]:
    wanted = round(settings.alarms * SHARES[kind])
    some = _unmarked(settings, kind)
    missing = {row["item"] for row in rows.kept if row["row"] == "left out"}
    chunk = tried = 0
    while tried < wanted and len(missing) < len(some):
        for piece in some:
            if tried >= wanted:
                return
            if chunk and piece.item in missing:
                continue
            work = alarms.Unmarked(piece=piece, chunk=chunk, seed=settings.seed)
            yield work.unit, partial(alarms.examined, work)
            if rows.kept and rows.kept[-1]["item"] == piece.item and rows.kept[-1]["row"] == "left out":
                missing.add(piece.item)
            tried += 0 if piece.item in missing else alarms.CHUNK[kind]
        chunk += 1


def _uniform(settings: Settings, kind: str, rows: Rows) -> Iterator[Unit]:
    del rows
    for piece in _unmarked(settings, kind):
        work = uniform.Drawn(piece=piece, seed=settings.seed)
        yield work.unit, partial(uniform.tested, work)


def _keys(settings: Settings, kind: str, rows: Rows) -> Iterator[Unit]:
    del rows
    some = _real(settings, kind)
    for piece in some[: settings.strangers if kind != "film" else settings.strangers // 10]:
        work = keys.Stranger(piece=piece, seed=settings.seed)
        yield work.unit, partial(keys.read_by_strangers, work)
    if kind != "film":
        yield "averaging", lambda: [keys.averaging(kind, some, settings.seed)]


def _speed(settings: Settings, kind: str, rows: Rows) -> Iterator[Unit]:
    del rows
    piece = next(piece for piece, _ in _first_usable(_real(settings, kind)))
    for size in speed.SIZES[kind]:
        name = leak.OUR_SCHEME[kind]
        yield f"speed|{name}|{size}", partial(_timed, name, kind, size, piece)
    for name in CONTENDERS:
        if kind in speed.PEER_SIZES and not name.startswith("assay-") and _kind_of(name) == kind:
            size = speed.PEER_SIZES[kind]
            yield f"speed|{name}|{size}", partial(_timed, name, kind, size, piece)


def _timed(name: str, kind: str, size: int, piece: Piece) -> list[Record]:
    try:
        return [speed.timed(name, kind, size, piece)]
    except speed.SpeedError as error:
        return [{"row": "left out", "kind": kind, "item": piece.item, "scheme": name, "why": str(error)[:200]}]


def _first_usable(some: Iterable[Piece]) -> Iterator[tuple[Piece, object]]:
    from .material import load

    return ((piece, media) for piece in some if (media := load(piece)) is not None)


def _leak(settings: Settings, kind: str, rows: Rows) -> Iterator[Unit]:
    if kind == "film":
        return
    usable = 0
    for piece in _real(settings, kind):
        if usable == settings.leaks:
            return
        work = leak.Pair(piece=piece, seed=settings.seed)
        yield work.unit, partial(leak.judged, work)
        usable += any(r["row"] == "leak" and r["item"] == piece.item for r in rows.kept)


def _unmarked(settings: Settings, kind: str) -> tuple[Piece, ...]:
    """Return real media, and of sounds and films, which are few, what others made too: none of it has our marks."""
    return pieces(settings.corpora, kind, seed=settings.seed, made=kind != "image")


def _real(settings: Settings, kind: str) -> tuple[Piece, ...]:
    return pieces(settings.corpora, kind, seed=settings.seed)


_WORK: dict[str, Callable[[Settings, str, Rows], Iterator[Unit]]] = {
    "survival": _survival,
    "peers": _peers,
    "alarms": _alarms,
    "uniform": _uniform,
    "keys": _keys,
    "speed": _speed,
    "leak": _leak,
}


def _remember(settings: Settings) -> None:
    """Write what the rows come from; several runs add their command. Raises `InputError` if the seed is another."""
    path = settings.out / "run.json"
    made: dict[str, Any] = {
        "assay": __version__,
        "seed": settings.seed,
        "corpora": [corpus.name for corpus in settings.corpora],
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "commits": [],
        "commands": [],
    }
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        if (before["seed"], before["corpora"]) != (made["seed"], made["corpora"]):
            msg = f"{settings.out} holds rows of seed {before['seed']} on {before['corpora']}: give another folder"
            raise InputError(msg)
        made = before
    for name, value in (("commits", settings.commit), ("commands", settings.command)):
        if value and value not in made[name]:
            made[name].append(value)
    settings.out.mkdir(parents=True, exist_ok=True)
    save(json.dumps(made, indent=1), path)
