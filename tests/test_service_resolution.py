"""The resolution API over a real server: asked by mark and by content, by our own client, which believes nothing."""

# ruff: noqa: S310 (asks a server of its own)
from __future__ import annotations

import base64
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from assay.media.encode import encode_image
from assay.media.errors import InputError
from assay.media.image import Still
from assay.provenance.bind import bound_in
from assay.provenance.certs import Credentials, ensure_credentials
from assay.provenance.durable import Entry, Store, fingerprint
from assay.provenance.manifest import Action, Manifest, SoftBinding
from assay.provenance.marks import SHARED_KEY, image_scheme
from assay.provenance.marks.interface import Mark
from assay.provenance.remote import RemoteError
from assay.provenance.resolver import Resolver, binding_alg, binding_value
from assay.provenance.second_opinion.jumbf import parse_store
from assay.provenance.sign import sign_file
from assay.provenance.signed_fingerprint import FINGERPRINT_ALG, from_text, to_text
from assay.provenance.trust import Trust
from assay.service.api import make_app
from assay.service.lookup import CONTENT_BYTES, Lookup, payload_of
from assay.service.upload import blocks

ID = 0xF123_4567_89AB_CDEF
ALG = "dev.assay.canvas.1"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def scene(seed: int) -> np.ndarray:
    import cv2

    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (20, 26, 3), dtype=np.uint8)
    picture = cv2.resize(small, (520, 400), interpolation=cv2.INTER_CUBIC).astype(float)
    return np.clip(picture + rng.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)


class House(NamedTuple):
    """A publisher: its server's address, its certificates, its store, and what it published."""

    address: str
    folder: Path
    credentials: Credentials
    store: Store
    label: str


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    import uvicorn

    folder = tmp_path_factory.mktemp("house")
    credentials = ensure_credentials(folder / "certs")
    store = Store(folder / "store.sqlite")
    label = published(folder, credentials, store, scene(1), ID)
    app = make_app(Trust(), lookup=Lookup(store=store))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield House(f"http://127.0.0.1:{port}/c2pa", folder, credentials, store, label)
    server.should_exit = True
    thread.join(timeout=10)


def published(folder: Path, credentials: Credentials, store: Store, pixels: np.ndarray, payload: int) -> str:
    """Mark, bind, sign and keep a picture; returns its manifest's name."""
    marked, signed = folder / f"{payload:x}.png", folder / f"{payload:x}-signed.png"
    marked.write_bytes(encode_image(image_scheme().embed(pixels, payload, SHARED_KEY), "png"))
    bound = bound_in(marked, store)
    made = Manifest(actions=(Action(name="c2pa.created", source_type="trainedAlgorithmicMedia"),))
    done = sign_file(marked, signed, bound.bind(made, marked), credentials)
    bound.keep(done, store, title="a scene", now=NOW)
    return done.label


def asked(url: str, data: bytes | None = None, kind: str = "application/octet-stream") -> tuple[int, Any, Any]:
    request = urllib.request.Request(url, data=data, headers={"Content-Type": kind} if data is not None else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, headers, body = answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        status, headers, body = error.code, error.headers, error.read()
    return status, (json.loads(body) if "json" in headers["Content-Type"] else body), headers


def stripped(pixels: np.ndarray) -> bytes:
    return encode_image(pixels, "jpeg", quality=70)


def own(pixels: np.ndarray, payload: int = ID) -> np.ndarray:
    return image_scheme().embed(pixels, payload, SHARED_KEY)


def test_a_mark_leads_to_the_manifest_by_get_and_by_post(house: House) -> None:
    value = binding_value(ID)
    wanted = {"matches": [{"manifestId": house.label, "similarityScore": 100}]}
    status, told, headers = asked(f"{house.address}/matches/byBinding?alg={ALG}&value={value}")
    assert (status, told) == (200, wanted)
    body = json.dumps({"alg": ALG, "value": value}).encode()
    assert asked(f"{house.address}/matches/byBinding", body, "application/json")[1] == wanted
    assert asked(f"{house.address}/matches/byBinding?alg=com.example.x&value={value}")[1] == {"matches": []}
    assert asked(f"{house.address}/matches/byBinding?alg={ALG}&value={binding_value(7)}")[1] == {"matches": []}
    status, store, headers = asked(f"{house.address}/manifests/{house.label}")
    assert (status, headers["Content-Type"]) == (200, "application/c2pa")
    assert store == house.store.find(ID).manifest  # type: ignore[union-attr]
    _, alone, _ = asked(f"{house.address}/manifests/{house.label}?returnActiveManifest=true")
    assert [one.label for one in parse_store(alone)] == [house.label]


@pytest.mark.parametrize(
    "value",
    [
        binding_value(ID),
        binding_value(ID).rstrip("="),
        f"{ID:016x}",
        f"{ID:016X}",
        base64.b64encode(ID.to_bytes(8, "big")).decode(),
        base64.urlsafe_b64encode(ID.to_bytes(8, "big")).decode(),
        base64.b64encode(ID.to_bytes(8, "big")).decode().replace("+", " "),
    ],
)
def test_an_id_is_taken_in_every_form_that_senders_use(value: str) -> None:
    assert payload_of(value) == ID


@pytest.mark.parametrize("value", ["", "x", "ff", "g" * 16, "Zm9v", "é" * 16])
def test_what_is_no_id_is_refused(value: str) -> None:
    with pytest.raises(InputError, match="16 hexadecimal digits"):
        payload_of(value)


def test_a_copy_leads_to_the_manifest_by_its_mark_its_look_and_a_hint(house: House) -> None:
    copy = stripped(own(scene(1)))
    for options in ("", f"?alg={ALG}", f"?alg={FINGERPRINT_ALG}", f"?hintAlg={ALG}&hintValue={binding_value(ID)}"):
        status, told, _ = asked(f"{house.address}/matches/byContent{options}", copy)
        assert status == 200, options
        (match,) = told["matches"]
        assert match["manifestId"] == house.label
        assert match["similarityScore"] > 90
    unmarked = asked(f"{house.address}/matches/byContent", stripped(scene(1)))[1]["matches"]
    assert [match["manifestId"] for match in unmarked] == [house.label]
    assert asked(f"{house.address}/matches/byContent", stripped(scene(9)))[1] == {"matches": []}
    moved = asked(f"{house.address}/matches/byContent", stripped(own(scene(9))))[1]["matches"]
    assert moved[0]["similarityScore"] < 50
    text = to_text(fingerprint(Still(pixels=scene(1))))
    body = json.dumps({"alg": FINGERPRINT_ALG, "value": text}).encode()
    (match,) = asked(f"{house.address}/matches/byBinding", body, "application/json")[1]["matches"]
    assert match["manifestId"] == house.label


def test_the_algorithms_and_the_description_are_told(house: House) -> None:
    told = asked(f"{house.address}/services/supportedAlgorithms")[1]
    assert {"alg": ALG} in told["watermarks"]
    assert told["fingerprints"] == [{"alg": FINGERPRINT_ALG}]
    paths = asked(f"{house.address}/openapi.json")[1]["paths"]
    assert set(paths) == {
        "/matches/byBinding",
        "/matches/byContent",
        "/matches/byReference",
        "/manifests/{manifestId}",
        "/services/supportedAlgorithms",
    }
    names = {one["name"] for one in paths["/matches/byContent"]["post"]["parameters"]}
    assert names == {"alg", "hintAlg", "hintValue", "maxResults"}
    assert "application/c2pa" in paths["/manifests/{manifestId}"]["get"]["responses"]["200"]["content"]


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        pytest.param("/matches/byBinding?alg=x", None, 400, id="no value"),
        pytest.param(f"/matches/byBinding?alg={ALG}&value=zz", None, 400, id="no id"),
        pytest.param(f"/matches/byBinding?alg={ALG}&value=zz&maxResults=0", None, 400, id="no results"),
        pytest.param("/matches/byBinding", b"no json", 400, id="no JSON"),
        pytest.param("/matches/byBinding", b'{"alg": "x"}', 400, id="no posted value"),
        pytest.param("/matches/byContent", b"no media at all", 415, id="no media"),
        pytest.param("/matches/byContent", b"", 415, id="nothing"),
        pytest.param("/matches/byReference", b"{}", 501, id="by reference"),
        pytest.param("/manifests/urn:c2pa:none", None, 404, id="unknown manifest"),
        pytest.param("/elsewhere", None, 404, id="unknown route"),
    ],
)
def test_errors_are_problem_details(house: House, path: str, data: bytes | None, status: int) -> None:
    came, told, headers = asked(house.address + path, data)
    assert (came, told["status"]) == (status, status)
    assert headers["Content-Type"] == "application/problem+json"
    assert str(house.folder) not in json.dumps(told)
    assert "/tmp" not in json.dumps(told)  # noqa: S108 - what must not be told


def test_a_longer_upload_is_refused_before_it_is_read(house: House) -> None:
    import http.client

    host, port = house.address.split("/")[2].split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    connection.putrequest("POST", "/c2pa/matches/byContent")
    connection.putheader("Content-Length", str(CONTENT_BYTES + 1))
    connection.endheaders(b"x")
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize("length", [True, False], ids=["told", "not told"])
def test_a_longer_binding_is_refused_before_it_is_kept_in_memory(house: House, length: bool) -> None:
    import http.client

    host, port = house.address.split("/")[2].split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    connection.putrequest("POST", "/c2pa/matches/byBinding")
    many = b" " * 2**20
    if length:
        connection.putheader("Content-Length", str(2**40))
        connection.endheaders(b"{")
    else:
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders(b"".join(b"%x\r\n%s\r\n" % (len(many), many) for _ in range(2)))
    assert connection.getresponse().status == 413
    connection.close()


def test_a_body_that_drags_on_is_given_up_and_a_slow_one_is_taken() -> None:
    import asyncio

    from starlette.requests import Request

    async def body(pause: float, seconds: float) -> bytes:
        async def receive() -> dict[str, Any]:
            await asyncio.sleep(pause)
            return {"type": "http.request", "body": b"x", "more_body": next(left) > 0}

        left = iter(range(3, -1, -1))
        request = Request({"type": "http", "method": "POST", "headers": []}, receive)
        return b"".join([one async for one in blocks(request, most=10, seconds=seconds)])

    assert asyncio.run(body(0.01, 20)) == b"xxxx"
    with pytest.raises(InputError, match=r"whole body within 0\.2 s"):
        asyncio.run(body(0.08, 0.2))


def test_only_some_fingerprints_are_compared_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    held, begun = threading.Event(), threading.Semaphore(0)

    def slow(*_: object, **__: object) -> list[object]:
        begun.release()
        assert held.wait(20)
        return []

    monkeypatch.setattr(Lookup, "_alike", slow)
    body = json.dumps({"alg": FINGERPRINT_ALG, "value": to_text(fingerprint(Still(pixels=scene(1))))}).encode()
    ask = partial(asked, f"{house.address}/matches/byBinding", body, "application/json")
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert all(begun.acquire(timeout=20) for _ in threads)
    status, _, headers = ask()
    held.set()
    for thread in threads:
        thread.join()
    assert (status, headers["Retry-After"]) == (503, "5")
    assert ask()[0] == 200


def test_pages_of_any_origin_may_ask_and_nothing_can_be_written(house: House) -> None:
    request = urllib.request.Request(f"{house.address}/services/supportedAlgorithms", headers={"Origin": "https://a.b"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
    put = urllib.request.Request(f"{house.address}/manifests/{house.label}", data=b"x", method="PUT")
    with pytest.raises(urllib.error.HTTPError, match="405"):
        urllib.request.urlopen(put, timeout=20)


def verify_args(house: House, *more: object) -> list[object]:
    anchor = house.folder / "anchor.pem"
    anchor.write_bytes(house.credentials.anchor_pem)
    return ["--resolver", house.address, "--anchor", anchor, *more]


def test_verify_recovers_a_stripped_copy_through_the_server_and_catches_transplants(
    house: House, tmp_path: Path, run: Callable[..., Any]
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / "copy.jpg").write_bytes(stripped(own(scene(1))))
    (files / "moved.jpg").write_bytes(stripped(own(scene(2))))
    (files / "plain.jpg").write_bytes(stripped(scene(3)))
    told = run("verify", files, "--json", *verify_args(house))
    states = {Path(one["path"]).name: one for one in map(json.loads, told.out.splitlines())}
    assert {name: one["state"] for name, one in states.items()} == {
        "copy.jpg": "recovered",
        "moved.jpg": "invalid",
        "plain.jpg": "absent",
    }
    assert states["copy.jpg"]["facts"]["recovered"]["fingerprint_signed"] is True
    assert states["copy.jpg"]["facts"]["recovered"]["resolver"] == house.address
    assert "manifest" not in states["moved.jpg"]["facts"]
    assert "1 with a credential borrowed from another asset" in told.err
    alone = run("verify", files / "moved.jpg", *verify_args(house))
    assert alone.out.splitlines()[0].endswith("leads to a manifest of something else")
    assert alone.code == 1
    assert run("verify", files / "copy.jpg", *verify_args(house, "--no-recover")).out.count("absent") == 1
    sarif = tmp_path / "run.sarif"
    run("verify", files, "--sarif", sarif, *verify_args(house))
    assert "step-17-resemblance" in sarif.read_text()


def test_verify_recovers_through_the_store_of_its_own(house: House, tmp_path: Path, run: Callable[..., Any]) -> None:
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(stripped(own(scene(1))))
    anchor = ("--anchor", house.folder / "anchor.pem")
    (house.folder / "anchor.pem").write_bytes(house.credentials.anchor_pem)
    assert "recovered" in run("verify", copy, "--store", house.store.path, *anchor).out.splitlines()[0]
    found = run("verify", copy, "--store", house.store.path, *anchor).out
    assert "of which this is a changed copy" in found.splitlines()[-1], "its class is that of the signed file"
    assert "absent" in run("verify", copy, *anchor).out.splitlines()[0]
    away = run("verify", copy, "--store", tmp_path / "typing-error.sqlite", *anchor)
    assert "typing-error.sqlite keeps no manifest" in away.err
    assert "untrusted" in run("verify", copy, "--store", house.store.path).out.splitlines()[0]


def test_scan_asks_the_server_too(house: House, tmp_path: Path, run: Callable[..., Any]) -> None:
    (tmp_path / "copy.jpg").write_bytes(stripped(own(scene(1))))
    told = run("scan", tmp_path / "copy.jpg", "--json", "--detectors", "declared", *verify_args(house))
    assert json.loads(told.out)["verification"]["state"] == "recovered"


def test_a_server_that_lies_about_the_look_is_not_believed(house: House, tmp_path: Path) -> None:
    from assay.provenance.finders import Candidate
    from assay.provenance.recover import recover

    plain, signed = tmp_path / "a.png", tmp_path / "b.png"
    plain.write_bytes(encode_image(scene(4), "png"))
    binding = (SoftBinding(alg=ALG, value=f"{ID:016x}"),)
    made = Manifest(actions=(Action(name="c2pa.created", source_type="digitalCreation"),), soft_bindings=binding)
    manifest = sign_file(plain, signed, made, house.credentials).manifest_bytes

    class Server:
        def candidates(self, _mark: Mark) -> list[Candidate]:
            return [Candidate(manifest=manifest, where="a server", fingerprint=None, facts={})]

    mark = Mark(scheme="assay.canvas.1", payload=ID, p_false_alarm=1e-9)
    trust = Trust(anchors_pem=(house.credentials.anchor_pem,))
    found = recover(plain, [mark], [Server()], trust=trust)
    assert found.state.value == "absent"
    assert "no signed fingerprint" in found.checks[-1].sentence


def test_a_resolver_is_asked_over_https_on_the_public_network_unless_it_was_named() -> None:
    for base in ("ftp://a.b", "https://", "http://10.0.0.1/c2pa", "http://example.com"):
        with pytest.raises(InputError, match="expected"):
            Resolver(base)
    mark = Mark(scheme="assay.canvas.1", payload=ID, p_false_alarm=1e-9)
    with pytest.raises(RemoteError, match="not on the public network"):
        Resolver("https://10.0.0.1/c2pa").candidates(mark)
    with pytest.raises(RemoteError, match="could not be fetched"):
        Resolver("http://127.0.0.1:9/c2pa", seconds=2).candidates(mark)


def test_a_resolver_that_cannot_be_asked_is_told_and_the_file_stays_absent(
    tmp_path: Path, run: Callable[..., Any]
) -> None:
    (tmp_path / "copy.jpg").write_bytes(stripped(own(scene(1))))
    told = run("verify", tmp_path / "copy.jpg", "--resolver", "http://127.0.0.1:9/c2pa")
    assert "absent" in told.out.splitlines()[0]
    assert "a manifest was not looked for through the mark" in told.out


def test_sign_binds_a_marked_file_and_refuses_what_it_cannot_bind(tmp_path: Path, run: Callable[..., Any]) -> None:
    from assay.provenance.verify import verify

    key, plain, marked = tmp_path / "own.key", tmp_path / "plain.png", tmp_path / "marked.png"
    key.write_text("ab" * 32)
    key.chmod(0o600)
    plain.write_bytes(encode_image(scene(5), "png"))
    certs = tmp_path / "certs"
    anchor = tmp_path / "anchor.pem"
    anchor.write_bytes(ensure_credentials(certs).anchor_pem)
    how = ("--bind", "--mark-key", key, "--certs", certs)
    assert "expected a mark" in run("sign", plain, tmp_path / "no.png", *how).err
    assert run("mark", plain, marked, "--key", key).code == 0
    assert run("sign", marked, tmp_path / "signed.png", *how).code == 0
    assert "already" in run("sign", marked, tmp_path / "again.png", *how).err
    told = verify(tmp_path / "signed.png").facts["soft_bindings"]
    assert [one["alg"] for one in told] == [ALG, FINGERPRINT_ALG]
    import cv2

    again = cv2.imread(str(tmp_path / "signed.png"))[..., ::-1]
    (tmp_path / "copy.jpg").write_bytes(stripped(np.ascontiguousarray(again)))
    found = run("verify", tmp_path / "copy.jpg", "--mark-key", key, "--anchor", anchor)
    assert found.out.splitlines()[0].split(": ")[1] == "recovered"
    assert "absent" in run("verify", tmp_path / "copy.jpg", "--anchor", anchor).out.splitlines()[0]


def test_a_scan_reads_marks_under_a_key_of_ones_own_and_hands_it_to_its_workers(
    tmp_path: Path, run: Callable[..., Any]
) -> None:
    from assay.service.scanning import Wanted
    from assay.service.work import scan_file

    key, copy = tmp_path / "own.key", tmp_path / "copy.png"
    key.write_text("cd" * 32)
    key.chmod(0o600)
    copy.write_bytes(encode_image(image_scheme().embed(scene(6), ID, bytes.fromhex("cd" * 32)), "png"))
    quick = ("--detectors", "declared,marks", "--json")
    (mark,) = json.loads(run("scan", copy, "--mark-key", key, *quick).out)["marks"]
    assert (mark["scheme"], int(str(mark["payload"]), 16)) == (image_scheme().name, ID)
    assert json.loads(run("scan", copy, *quick).out)["marks"] == []
    wanted = Wanted(trust=Trust(anchors_pem=()), detectors=("declared", "marks"), mark_keys=(str(key),))
    (told,) = scan_file({"path": str(copy), "options": wanted.to_json()})["report"]["marks"]
    assert {**told, "spans": list(told["spans"])} == mark


def test_a_signed_fingerprint_survives_as_text_and_other_text_is_none(house: House) -> None:
    from assay.media.resemblance import resemblance

    whole = fingerprint(Still(pixels=scene(1)))
    assert resemblance(whole, from_text(to_text(whole))) > 0.98
    bomb = base64.b64encode(__import__("zlib").compress(b"\0" * 10**7)).decode()
    for wrong in ("", "x", "AAAA", bomb, to_text(whole)[:-8]):
        with pytest.raises(ValueError, match="fingerprint"):
            from_text(wrong)
    assert binding_alg("assay.canvas.1") == ALG
    assert isinstance(house.store.named(house.label), Entry)
