"""Manifests on the network: nothing is fetched unasked, from an unnamed host, or from inside the house."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from assay.provenance.certs import Credentials, ensure_credentials
from assay.provenance.context import c2pa_settings
from assay.provenance.remote import RemoteError, RemotePolicy, fetch_remote, is_public
from assay.provenance.sign import Action, Manifest
from assay.provenance.trust import Trust
from assay.provenance.verification import State
from assay.provenance.verify import verify
from PIL import Image

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class House:
    """A server of this machine: what it answers by path, and which paths it was asked for."""

    address: str
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def give(self, path: str, body: bytes) -> str:
        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)

        self.answers[path] = answer
        return self.address + path

    def send_on(self, path: str, to: str) -> str:
        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(302)
            request.send_header("Location", to)
            request.end_headers()

        self.answers[path] = answer
        return self.address + path


@pytest.fixture
def house() -> Iterator[House]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            made.answers[self.path](self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = House(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


HERE = frozenset({"127.0.0.1"})
TEST = RemotePolicy(hosts=HERE, private_addresses=True, plain_http=True, seconds=5.0)


def test_what_may_be_fetched_comes(house: House) -> None:
    assert fetch_remote(house.give("/a", b"manifest"), policy=TEST) == b"manifest"
    assert fetch_remote(house.send_on("/b", "/a"), policy=TEST) == b"manifest"


@pytest.mark.parametrize(
    ("policy", "match"),
    [
        pytest.param(RemotePolicy(), "begins with https", id="nothing allowed"),
        pytest.param(RemotePolicy(plain_http=True), "not among those", id="no host named"),
        pytest.param(
            RemotePolicy(plain_http=True, hosts=frozenset({"example.com"})), "not among those", id="another host"
        ),
        pytest.param(RemotePolicy(hosts=HERE, private_addresses=True), "begins with https", id="not encrypted"),
        pytest.param(RemotePolicy(hosts=HERE, plain_http=True), "usual port", id="odd port"),
    ],
)
def test_without_leave_nothing_is_asked(house: House, policy: RemotePolicy, match: str) -> None:
    address = house.give("/a", b"manifest")
    with pytest.raises(RemoteError, match=match):
        fetch_remote(address, policy=policy)
    assert house.asked == []


@pytest.mark.parametrize("address", ["http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://0.0.0.0/"])
def test_a_named_host_must_still_be_on_the_public_network(address: str) -> None:
    hosts = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0"})  # noqa: S104 - a name, nothing is bound
    with pytest.raises(RemoteError, match="not on the public network"):
        fetch_remote(address, policy=RemotePolicy(hosts=hosts, plain_http=True))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),  # noqa: S104
        *("224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1"),
        *("::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "not an address"),
    ],
)
def test_addresses_inside_are_known_in_every_disguise(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "to",
    [
        "http://localhost/secret",
        "https://127.0.0.1.example.com/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "",
        "//evil",
    ],
)
def test_a_redirect_is_checked_like_the_first_address(house: House, to: str) -> None:
    with pytest.raises(RemoteError):
        fetch_remote(house.send_on("/away", to), policy=TEST)
    assert set(house.asked) <= {"/away"}


def test_redirects_are_counted(house: House) -> None:
    house.send_on("/loop", "/loop")
    with pytest.raises(RemoteError, match="at most 3 redirects"):
        fetch_remote(house.address + "/loop", policy=TEST)
    assert len(house.asked) == 4


@pytest.mark.parametrize(
    "address",
    [
        "https://user@127.0.0.1/",
        "https://127.0.0.1:99999/",
        "https://[half/",
        "https:///nobody",
        "https://127.0.0.1/\r\nHost: evil",
        "https://127.0.0.1/ blank",
        "https://127.0.0.1/" + "x" * 3000,
        "nonsense",
    ],
)
def test_an_address_must_be_plain(address: str) -> None:
    with pytest.raises(RemoteError):
        fetch_remote(address, policy=TEST)


def test_size_and_time_are_bounded(house: House) -> None:
    address = house.give("/big", b"x" * 100_000)
    with pytest.raises(RemoteError, match="at most 1000 bytes"):
        fetch_remote(address, policy=RemotePolicy(hosts=HERE, private_addresses=True, plain_http=True, bytes_most=1000))

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.0 200 OK\r\n")
        for _ in range(40):
            try:
                request.wfile.write(b"X: y\r\n")
                time.sleep(0.1)
            except OSError:
                return

    house.answers["/drip"] = drip
    begun = time.monotonic()
    with pytest.raises(RemoteError):
        fetch_remote(
            house.address + "/drip",
            policy=RemotePolicy(hosts=HERE, private_addresses=True, plain_http=True, seconds=0.5),
        )
    assert time.monotonic() - begun < 2.0


def test_what_is_cut_short_or_not_there_is_not_taken(house: House) -> None:
    def half(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "100")
        request.end_headers()
        request.wfile.write(b"half")

    house.answers["/half"] = half
    house.answers["/gone"] = lambda request: request.send_error(404)
    with pytest.raises(RemoteError, match="cut short"):
        fetch_remote(house.address + "/half", policy=TEST)
    with pytest.raises(RemoteError, match="404"):
        fetch_remote(house.address + "/gone", policy=TEST)


def remote_file(folder: Path, keys: Credentials, address: str) -> tuple[Path, bytes]:
    """Sign a picture that only names the address of its manifest."""
    import c2pa
    from assay.media.limits import Limits
    from assay.provenance.signer import native_signer

    plain, path = folder / "plain.jpg", folder / "remote.jpg"
    Image.linear_gradient("L").save(plain)
    made = Manifest(title="photo", actions=(Action(name="c2pa.created", source_type="digitalCapture"),))
    with (
        native_signer(keys, None) as signer,
        c2pa.Context.from_dict(c2pa_settings(keys.anchor_pem, limits=Limits())) as context,
        c2pa.Builder(made.definition(), context=context) as builder,
        plain.open("rb") as source,
        path.open("w+b") as target,
    ):
        builder.set_no_embed()
        builder.set_remote_url(address)
        return path, builder.sign(signer, "image/jpeg", source, target)


def test_a_file_that_names_an_address_is_verified_with_it_only_when_asked(house: House, tmp_path: Path) -> None:
    keys = ensure_credentials(tmp_path / "keys")
    trust = Trust().add(keys.anchor_pem)
    path, store = remote_file(tmp_path, keys, house.address + "/store.c2pa")
    house.give("/store.c2pa", store)
    silent = verify(path, trust=trust)
    assert (silent.state, silent.facts["remote_url"]) == (State.ABSENT, house.address + "/store.c2pa")
    assert house.asked == []
    with pytest.raises(RemoteError):
        verify(path, trust=trust, remote=RemotePolicy(hosts=HERE))
    assert house.asked == []
    found = verify(path, trust=trust, remote=TEST)
    assert found.state is State.TRUSTED
    assert "on the network" in found.checks[0].sentence
    house.give("/store.c2pa", store.replace(b"photo", b"phot!"))
    assert verify(path, trust=trust, remote=TEST).state is State.INVALID
