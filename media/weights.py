"""Finds, checks and (only when asked) fetches the model files that the cards describe.

A file is used only after its SHA-256 equals its card's. Nothing here loads a model, and nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import http.client
import importlib.metadata
import os
import re
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal
from urllib.parse import urlsplit

from .cards import CARDS, Card
from .errors import InputError, MissingExtra, WeightsError
from .home import home

__all__ = ["CARDS", "Card", "WeightState", "check", "pull", "resolve"]

_BLOCK = 1 << 20
_TIMEOUT = 60.0
_FOLDER_FILES = 20_000
"""Files looked at below `ASSAY_WEIGHTS`: pointing it at a whole disk must not hang."""
_PINNED_BYTES = 2 * 1024**3
"""The most that is fetched of a model whose size no card tells."""
_digests: dict[tuple[str, int, int], str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightState:
    """Whether the model of `card` can be used here, from which `path`; `detail` says what to do when it cannot."""

    card: Card
    state: Literal["ready", "absent", "wrong"]
    path: Path | None
    detail: str


def resolve(name: str) -> Path:
    """Return the checked file of the model `name`.

    It is looked for in its installed package, then anywhere below the folder `ASSAY_WEIGHTS`, then among the files
    pulled before. Raises `MissingExtra` if its package is not installed, `WeightsError` if the file is nowhere or no
    candidate is the file that its card describes, `InputError` if there is no such card.
    """
    card = card_of(name)
    wrong: list[Path] = []
    for path in _candidates(card):
        if _is_expected(card, path):
            return path
        wrong.append(path)
    if wrong and card.where == "pinned":
        msg = (
            f"model {name!r}: its makers publish no SHA-256 that could be checked; {_listed(wrong)} is used once you "
            "pull it with the one that you trust: `assay models pull NAME --sha256 HEX`"
        )
        raise WeightsError(msg)
    if wrong:
        msg = f"model {name!r}: expected sha256 {card.sha256} and {card.size} bytes, got another file: {_listed(wrong)}"
        raise WeightsError(f"{msg}; {_remedy(card)}")
    if card.where == "package" and not _installed(card):
        raise MissingExtra(f"the model {name!r} (package {card.package})", card.extra)
    msg = f"the file {Path(card.file).name} of model {name!r} is not here; {_remedy(card)}"
    raise WeightsError(msg)


def card_of(name: str) -> Card:
    """Return the card of the model `name`. Raises `InputError` if there is none."""
    try:
        return CARDS[name]
    except KeyError:
        msg = f"no model is named {name!r}; known: {', '.join(CARDS)}"
        raise InputError(msg) from None


def check() -> tuple[WeightState, ...]:
    """Return the state of every model in the catalogue, in its order."""
    states = []
    for name, card in CARDS.items():
        try:
            states.append(WeightState(card=card, state="ready", path=resolve(name), detail=""))
        except MissingExtra as error:
            states.append(WeightState(card=card, state="absent", path=None, detail=str(error)))
        except WeightsError as error:
            wrong = next(_candidates(card), None)
            states.append(WeightState(card=card, state="wrong" if wrong else "absent", path=wrong, detail=str(error)))
    return tuple(states)


def pull(name: str, *, url: str | None = None, sha256: str | None = None) -> Path:
    """Fetch the model `name` from its card's address, or from `url` (https or file), into the user's folder.

    `sha256` is what the user expects of a model whose card knows none; it is written down beside the file.

    Returns the checked file. Raises `InputError` if the model has no address or a forbidden one, `WeightsError` if
    the transfer fails or what came is not the file that the card describes; then nothing is left behind.
    """
    card = card_of(name)
    address = url or card.url
    card = _with_pin(card, sha256)
    if card.where not in ("file", "pinned"):
        msg = f"model {name!r} comes inside the package {card.package or 'assay'}; install that instead of pulling"
        raise InputError(msg)
    if not address:
        msg = f"no lasting address is known for model {name!r}; see {card.source} and give the address of the file"
        raise InputError(msg)
    if urlsplit(address).scheme not in {"https", "file"}:
        msg = f"models are pulled from an https or file address, got {address!r}"
        raise InputError(msg)
    target = _pulled(card)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _fetch(card, address, target)
    except (OSError, http.client.HTTPException, ValueError) as error:
        msg = f"model {name!r} could not be pulled from {address}: {error}"
        raise WeightsError(msg) from error


def _with_pin(card: Card, sha256: str | None) -> Card:
    """Return the card with the digest that the user expects. Raises `InputError` if one is missing, or not needed."""
    if card.where != "pinned":
        if sha256 is not None:
            msg = f"the SHA-256 of model {card.name!r} is on its card: leave --sha256 out"
            raise InputError(msg)
        return card
    if sha256 is None or not re.fullmatch(r"[0-9a-f]{64}", sha256.lower()):
        msg = f"the SHA-256 of model {card.name!r} could not be checked here: name the one you trust (--sha256)"
        raise InputError(msg)
    return replace(card, sha256=sha256.lower(), size=_PINNED_BYTES)


def _fetch(card: Card, address: str, target: Path) -> Path:
    """Stream `address` to a temporary file beside `target`, check it and rename it."""
    opener = urllib.request.build_opener(_HttpsOnly)
    handle, temporary = tempfile.mkstemp(prefix=".pull-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as out, opener.open(address, timeout=_TIMEOUT) as answer:
            digest = _copy(answer, out, card)
            out.flush()
            os.fsync(out.fileno())
        if digest != card.sha256:
            msg = f"model {card.name!r}: expected sha256 {card.sha256}, got {digest} from {address}; nothing was kept"
            raise WeightsError(msg)
        Path(temporary).replace(target)
        if card.where == "pinned":
            _pin_of(target).write_text(f"{digest}\n", encoding="ascii")
    finally:
        Path(temporary).unlink(missing_ok=True)
    return target


def _copy(answer: IO[bytes], out: IO[bytes], card: Card) -> str:
    """Copy at most the card's size; return the SHA-256. Raises `WeightsError` if more comes."""
    digest, left = hashlib.sha256(), card.size
    while block := answer.read(min(_BLOCK, left + 1)):
        left -= len(block)
        if left < 0:
            msg = f"model {card.name!r}: expected {card.size} bytes, more came; nothing was kept"
            raise WeightsError(msg)
        digest.update(block)
        out.write(block)
    return digest.hexdigest()


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to another https address."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme != "https":
            text = f"the redirect to {newurl} leaves https"
            raise urllib.error.URLError(text)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _candidates(card: Card) -> Iterator[Path]:
    """Yield every file that might be the card's, in the order of trust."""
    if card.where == "shipped":
        yield from _existing(Path(__file__).resolve().parents[1] / card.file)
        return
    if card.where == "package" and _installed(card):
        located = importlib.metadata.distribution(card.package).locate_file(card.file)
        yield from _existing(Path(str(located)))
    folder = os.environ.get("ASSAY_WEIGHTS")
    if folder:
        yield from _below(Path(folder), Path(card.file).name)
    yield from _existing(_pulled(card))


def _existing(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path


def _below(folder: Path, name: str) -> Iterator[Path]:
    """Yield the files called `name` below `folder`, in a fixed order."""
    seen = 0
    for parent, folders, files in os.walk(folder):
        folders.sort()
        seen += len(files)
        if name in files:
            yield from _existing(Path(parent) / name)
        if seen > _FOLDER_FILES:
            msg = f"ASSAY_WEIGHTS={folder} holds more than {_FOLDER_FILES} files; point it at the folder of the models"
            raise WeightsError(msg)


def _pulled(card: Card) -> Path:
    return home() / "weights" / card.name / Path(card.file).name


def _installed(card: Card) -> bool:
    try:
        importlib.metadata.distribution(card.package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _is_expected(card: Card, path: Path) -> bool:
    """Tell whether the file is the one that its card, or the pin beside a pulled one, describes."""
    if card.where != "pinned":
        return path.stat().st_size == card.size and _digest(path) == card.sha256
    try:
        pin = _pin_of(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return False
    return path == _pulled(card) and _digest(path) == pin


def _pin_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _digest(path: Path) -> str:
    """Return the SHA-256 of `path`, remembered in this process while its size and time of change stay."""
    about = path.stat()
    key = (str(path), about.st_size, about.st_mtime_ns)
    if key not in _digests:
        with path.open("rb") as file:
            _digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _digests[key]


def _remedy(card: Card) -> str:
    if card.where == "package":
        return f"install {card.package}=={card.version}"
    if card.where == "shipped":
        return "install assay again"
    pulled = "pull it with `assay models pull`" if card.url else f"fetch it from {card.source}"
    return f"{pulled} or lay it into the folder ASSAY_WEIGHTS"


def _listed(paths: list[Path]) -> str:
    return ", ".join(str(path) for path in paths[:3])
