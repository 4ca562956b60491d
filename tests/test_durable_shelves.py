"""Stores: SQLite and a real PostgreSQL answer alike, old files are taken over, near neighbours are found fast."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from assay.media.errors import InputError
from assay.media.fingerprint import Fingerprint, fingerprint, hamming
from assay.media.image import Still
from assay.provenance.durable import Entry, Store
from assay.provenance.shelves import Row, open_shelf
from assay.provenance.stored import active_alone, active_manifest_label

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
PRINT = Fingerprint(kind="image", word=0b1011, shape=(1, 1, 1), sketch=b"x")
_COUNT = """
import sys
from pathlib import Path
from assay.provenance.durable import Store
print(len(Store(Path(sys.argv[1]))))
"""
OLD_SCHEMA = """
CREATE TABLE manifests (
    id INTEGER PRIMARY KEY, word INTEGER NOT NULL, kind TEXT NOT NULL, sha256 TEXT NOT NULL, mime TEXT NOT NULL,
    title TEXT NOT NULL, time TEXT NOT NULL, fingerprint BLOB NOT NULL, manifest BLOB NOT NULL
) STRICT
"""


def _tool(name: str) -> str | None:
    places = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(places))


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL of the test's own, run by an unprivileged user, reached through a socket."""
    pytest.importorskip("psycopg", reason="psycopg (extra store) is not installed")
    initdb, postgres = _tool("initdb"), _tool("postgres")
    if initdb is None or postgres is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    import pwd
    import tempfile

    as_root = os.getuid() == 0
    user = pwd.getpwnam("postgres" if as_root else pwd.getpwuid(os.getuid()).pw_name)
    # Sockets have short names, and another user must be able to come here: not pytest's own folder
    folder = Path(tempfile.mkdtemp(prefix="assay-pg-"))
    os.chown(folder, user.pw_uid, user.pw_gid)
    who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if as_root else {}
    common = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, **who}
    data = folder / "data"
    made = subprocess.run(
        [initdb, "-D", data, "-U", "assay", "-A", "trust", "--no-sync"], check=False, timeout=60, **common
    )
    assert made.returncode == 0, made.stderr.decode()
    settings = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=20"]
    server = subprocess.Popen(
        [postgres, "-D", data, "-k", folder, *settings], **(common | {"stderr": subprocess.DEVNULL})
    )
    try:
        address = f"postgresql:///postgres?host={folder}&user=assay"
        _wait(address)
        yield address
    finally:
        server.send_signal(signal.SIGINT)  # end now, whoever is connected
        server.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(address: str) -> None:
    import psycopg

    for _ in range(100):
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("PostgreSQL did not start within 10 s")


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path / "deep" / "store.sqlite")
        return
    import psycopg

    address = request.getfixturevalue("database")
    yield address
    with psycopg.connect(address, autocommit=True) as base:
        base.execute("DROP TABLE IF EXISTS assay_manifests, assay_schema")


def entry(payload: int, *, word: int = 7, manifest: bytes = b"manifest") -> Entry:
    own = replace(PRINT, word=word)
    return Entry(id=payload, manifest=manifest, mime="image/png", sha256="00", fingerprint=own, title="ü", time=NOW)


def test_every_store_keeps_gives_back_and_refuses_a_second_manifest(where: str) -> None:
    store = Store(where)
    assert len(store) == 0
    assert store.find(1) is None
    assert store.named("urn:c2pa:none") is None
    for payload in (0, 1, 1 << 63, (1 << 64) - 1):
        store.add(entry(payload, word=(1 << 64) - 1))
        store.add(entry(payload, word=(1 << 64) - 1))
        assert store.find(payload) == entry(payload, word=(1 << 64) - 1)
    assert len(Store(where)) == 4
    with pytest.raises(InputError, match="another manifest"):
        store.add(entry(1, manifest=b"other"))
    assert store.find(1) == entry(1, word=(1 << 64) - 1)


def test_every_store_is_written_from_several_threads_at_once(where: str) -> None:
    store = Store(where)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: store.add(entry(number)), [*range(20), *range(20)]))
    assert len(store) == 20


def test_every_store_finds_near_hashes_and_only_those(where: str, rng: np.random.Generator) -> None:
    shelf = open_shelf(where)
    words = [int(word) for word in rng.integers(0, 2**64, 90, dtype=np.uint64)]
    for number, word in enumerate(words[:60]):
        shelf.put(_row(number, word))
    assert len(shelf.near("image", words[0], within=64, most=500)) == 60
    for number, word in enumerate(words[60:], 60):  # what came after the first question is seen too
        shelf.put(_row(number, word))
    for number in (0, 7, 80):
        sought = words[number] ^ 0b1000100010001
        within = sorted((hamming(sought, word), at) for at, word in enumerate(words) if hamming(sought, word) <= 22)
        assert [row.id for row in shelf.near("image", sought, within=22, most=3)] == [at for _, at in within[:3]]
    assert shelf.near("audio", words[0], within=64, most=5) == []


def _row(number: int, word: int) -> Row:
    kept = {"sha256": "00", "mime": "image/png", "title": "", "time": NOW.isoformat()}
    sketch = replace(PRINT, word=word).to_bytes()
    return Row(id=number, label=f"urn:{number}", word=word, kind="image", fingerprint=sketch, manifest=b"m", **kept)


def test_every_store_finds_a_manifest_by_its_own_name(where: str, signed_store: bytes) -> None:
    store = Store(where)
    store.add(entry(5, manifest=signed_store))
    label = active_manifest_label(signed_store)
    assert label.startswith("urn:c2pa:")
    assert store.named(label) == entry(5, manifest=signed_store)
    assert store.named("urn:c2pa:\0'; DROP TABLE assay_manifests; --") is None


@pytest.fixture(scope="module")
def signed_store(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    from assay.media.encode import encode_image
    from assay.provenance.certs import ensure_credentials
    from assay.provenance.sign import Action, Ingredient, Manifest, sign_file

    folder = tmp_path_factory.mktemp("signed")
    credentials = ensure_credentials(folder / "certs")
    (folder / "a.jpg").write_bytes(encode_image(np.full((64, 64, 3), 90, np.uint8), "jpeg"))
    made = (Action(name="c2pa.created", source_type="digitalCreation"),)
    sign_file(folder / "a.jpg", folder / "b.jpg", Manifest(actions=made), credentials)
    parent = (Ingredient(path=folder / "b.jpg", relationship="parentOf"),)
    opened = Manifest(actions=(Action(name="c2pa.opened"),), ingredients=parent)
    return sign_file(folder / "b.jpg", folder / "c.jpg", opened, credentials).manifest_bytes


def test_the_active_manifest_can_be_had_alone(signed_store: bytes) -> None:
    from assay.provenance.second_opinion.jumbf import parse_store

    whole = parse_store(signed_store)
    alone = parse_store(active_alone(signed_store))
    assert len(whole) == 2
    assert [one.label for one in alone] == [whole[-1].label]
    assert bytes(alone[0].body) == bytes(whole[-1].body)
    assert active_manifest_label(b"none") == ""
    with pytest.raises(InputError, match="manifest store"):
        active_alone(b"none")


def test_a_file_of_the_first_version_is_taken_over(tmp_path: Path, signed_store: bytes) -> None:
    path = tmp_path / "store.sqlite"
    with sqlite3.connect(path) as base:
        base.execute(OLD_SCHEMA)
        kept = ("image", "00", "image/png", "ü", NOW.isoformat(), replace(PRINT, word=7).to_bytes())
        base.execute("INSERT INTO manifests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (-1, 7, *kept, signed_store))
        base.execute("INSERT INTO manifests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (2, 7, *kept, b"manifest"))
        base.execute("PRAGMA user_version = 1")
    base.close()
    both = [subprocess.Popen([sys.executable, "-P", "-c", _COUNT, path], stdout=subprocess.PIPE) for _ in range(2)]
    assert [one.communicate(timeout=60)[0] for one in both] == [b"2\n", b"2\n"]
    store = Store(path)
    assert store.find((1 << 64) - 1) == entry((1 << 64) - 1, manifest=signed_store)
    assert store.named(active_manifest_label(signed_store)) is not None
    store.add(entry(3))
    assert len(store) == 3


def test_a_hundred_thousand_entries_are_searched_in_milliseconds(tmp_path: Path, rng: np.random.Generator) -> None:
    shelf = open_shelf(tmp_path / "store.sqlite")
    shelf.put(_row(0, 0))
    words = rng.integers(-(2**63), 2**63, 100_000)
    kept = ("image", "00", "image/png", "", NOW.isoformat(), PRINT.to_bytes(), b"m")
    with sqlite3.connect(tmp_path / "store.sqlite") as base:
        columns = "id, label, word, kind, sha256, mime, title, time, fingerprint, manifest"
        base.executemany(
            f"INSERT INTO manifests ({columns}) VALUES (?, '', ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own names
            ((number, int(word), *kept) for number, word in enumerate(words, 1)),
        )
    base.close()
    shelf.near("image", 1, within=22, most=5)
    spent = []
    for word in words[:5]:
        begun = time.perf_counter()
        assert shelf.near("image", int(word) & (1 << 64) - 1, within=22, most=60)
        spent.append(time.perf_counter() - begun)
    assert min(spent) < 0.1


@pytest.mark.parametrize(
    ("address", "match"),
    [
        ("mysql://host/base", "postgresql or sqlite"),
        ("postgresql://nobody:secret@localhost:1/none", "cannot be used"),
    ],
)
def test_a_store_that_cannot_be_had_is_an_error_that_tells_no_password(address: str, match: str) -> None:
    pytest.importorskip("psycopg", reason="psycopg (extra store) is not installed")
    with pytest.raises(InputError, match=match) as told:
        len(Store(address))
    assert "secret" not in str(told.value)


def test_the_environment_names_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_STORE", f"sqlite://{tmp_path}/house.sqlite")
    Store().add(entry(9))
    assert Store(tmp_path / "house.sqlite").find(9) == entry(9)


def test_a_whole_fingerprint_store_is_asked_by_content(where: str, blots: Callable[[int], np.ndarray]) -> None:
    store = Store(where)
    for seed in range(4):
        own = fingerprint(Still(pixels=blots(seed)))
        store.add(replace(entry(seed), fingerprint=own))
    (likeness, best), *_ = store.nearest(fingerprint(Still(pixels=np.ascontiguousarray(blots(2)[::2, ::2]))))
    assert best.id == 2
    assert likeness > 0.9


@pytest.fixture
def blots() -> Callable[[int], np.ndarray]:
    def make(seed: int) -> np.ndarray:
        import cv2

        small = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
        return cv2.resize(small, (320, 240), interpolation=cv2.INTER_CUBIC)

    return make
