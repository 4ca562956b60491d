"""What lies on the network: fetched only when asked for, only from hosts that were named, never from inside the house.

A file chooses the address of its own manifest, and its certificates that of the authority to ask. Fetching freely
would let a stranger reach services that only this machine can reach (SSRF), and learn who looks at the file.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from ..media.errors import AssayError

__all__ = ["RemoteAbsent", "RemoteError", "RemoteForbidden", "RemotePolicy", "ask_remote", "fetch_remote"]

_BLOCK: Final = 64 * 1024
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_ADDRESS_MOST: Final = 2048


class RemoteError(AssayError):
    """What lies on the network was not fetched: the policy forbids it, or it did not come."""


class RemoteAbsent(RemoteError):
    """The host was asked, and has nothing at that address (404, 410)."""


class RemoteForbidden(RemoteError):
    """The policy does not allow the address; nothing was asked of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What is asked for, in words, and the headers; with a `body` it is sent (POST)."""

    what: str
    headers: dict[str, str]
    body: bytes | None = None


_MANIFEST: Final = _Request(what="manifest", headers={"Accept": "application/c2pa"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RemotePolicy:
    """What may be fetched. `hosts` are exact names (`manifests.example.com`); without any, nothing is fetched.

    `private_addresses` and `plain_http` are for tests with a server of their own: they open the door to this machine
    and its network.
    """

    hosts: frozenset[str] = frozenset()
    seconds: float = 10.0
    """Seconds for the whole fetch, redirects and all."""
    bytes_most: int = 16 * 1024**2
    redirects: int = 3
    private_addresses: bool = False
    plain_http: bool = False


def fetch_remote(url: str, *, policy: RemotePolicy, accept: str = "") -> bytes:
    """Return the manifest at an address that the policy allows, or the answer of another media type (`accept`).

    The name is resolved once, every address that it has is checked, and the connection goes to the checked one; each
    redirect is checked anew. Proxies and credentials of the environment are not used. Raises `RemoteError`,
    `RemoteForbidden` where the policy says no, `RemoteAbsent` where the host has nothing there.
    """
    return _fetched(url, _Request(what="answer", headers={"Accept": accept}) if accept else _MANIFEST, policy)


def ask_remote(url: str, body: bytes, *, kind: str, policy: RemotePolicy) -> bytes:
    """Return what a service at an allowed address answers to `body`, of the media type `application/KIND-request`.

    The same rules hold as for `fetch_remote`. Raises `RemoteError`, `RemoteForbidden` where the policy says no.
    """
    headers = {"Content-Type": f"application/{kind}-request", "Accept": f"application/{kind}-response"}
    return _fetched(url, _Request(what="response", headers=headers, body=body), policy)


def _fetched(url: str, request: _Request, policy: RemotePolicy) -> bytes:
    until = time.monotonic() + policy.seconds
    for _ in range(policy.redirects + 1):
        target = _allowed(url, policy, request.what)
        try:
            data, onward = _get(target, request, policy, until)
        except (OSError, http.client.HTTPException, ssl.SSLError) as error:
            msg = f"the {request.what} at {url[:200]!r} could not be fetched: {error}"
            raise RemoteError(msg) from error
        if onward is None:
            return data
        url = urljoin(url, onward)
    msg = f"expected at most {policy.redirects} redirects on the way to the {request.what}, got more"
    raise RemoteError(msg)


def _allowed(url: str, policy: RemotePolicy, what: str) -> SplitResult:
    """Return the parts of an address. Raises `RemoteForbidden` if its scheme, host or form is not allowed."""
    schemes = ("https", "http") if policy.plain_http else ("https",)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        msg = f"expected the address of a {what}, got {url[:200]!r}"
        raise RemoteForbidden(msg) from error
    if len(url) > _ADDRESS_MOST or not url.isascii() or not url.isprintable() or " " in url:
        msg = "expected an address of plain characters"
        raise RemoteForbidden(msg)
    if parts.scheme not in schemes or not parts.hostname or parts.username is not None or parts.password is not None:
        msg = f"expected an address that begins with {' or '.join(schemes)}, without a user, got {url[:200]!r}"
        raise RemoteForbidden(msg)
    if parts.hostname.rstrip(".") not in {host.lower() for host in policy.hosts}:
        named = ", ".join(sorted(policy.hosts)) or "none"
        msg = f"the host {parts.hostname[:200]!r} is not among those that may be asked ({named})"
        raise RemoteForbidden(msg)
    if port is not None and port not in (443, 80) and not policy.private_addresses:
        msg = f"expected the usual port, got {port}"
        raise RemoteForbidden(msg)
    return parts


def _get(target: SplitResult, request: _Request, policy: RemotePolicy, until: float) -> tuple[bytes, str | None]:
    """Return what lies at an address, or nothing and where it redirects to."""
    host, port = target.hostname or "", target.port or (443 if target.scheme == "https" else 80)
    with _channel(target.scheme, host, port, policy, until) as channel:
        connection = http.client.HTTPConnection(host, port)
        connection.sock = channel
        path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        headers = {**request.headers, "Connection": "close"}
        connection.request("GET" if request.body is None else "POST", path, body=request.body, headers=headers)
        answer = connection.getresponse()
        if answer.status in _REDIRECTS:
            return b"", answer.getheader("Location") or ""
        if answer.status != 200:
            msg = f"the host {host!r} answered {answer.status} rather than with a {request.what}"
            raise RemoteAbsent(msg) if answer.status in (404, 410) else RemoteError(msg)
        return _body(answer, policy, until, request.what), None


@contextlib.contextmanager
def _channel(scheme: str, host: str, port: int, policy: RemotePolicy, until: float) -> Iterator[socket.socket]:
    """Lend a connection that is cut when the time is over: a time limit for each read alone can be drawn out."""
    channel = _connected(host, port, policy, until)
    if scheme == "https":
        context = ssl.create_default_context()
        channel = context.wrap_socket(channel, server_hostname=host, do_handshake_on_connect=False)
    end = threading.Timer(max(0.0, until - time.monotonic()), _cut, (channel,))
    end.daemon = True
    end.start()
    try:
        if isinstance(channel, ssl.SSLSocket):
            channel.do_handshake()
        yield channel
    finally:
        end.cancel()
        channel.close()


def _cut(channel: socket.socket) -> None:
    with contextlib.suppress(OSError):
        channel.shutdown(socket.SHUT_RDWR)


def _connected(host: str, port: int, policy: RemotePolicy, until: float) -> socket.socket:
    """Return a connection to an address of the host, all of which were checked before. Raises `RemoteError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, address in found:
        if not policy.private_addresses and not is_public(str(address[0])):
            msg = f"the host {host!r} has the address {address[0]}, which is not on the public network"
            raise RemoteForbidden(msg)
    family, kind, protocol, _, address = found[0]
    plain = socket.socket(family, kind, protocol)
    try:
        plain.settimeout(_left(until))
        plain.connect(address)
    except OSError:
        plain.close()
        raise
    return plain


def is_public(address: str) -> bool:
    """Tell whether an IP address is on the public network; one inside of another (mapped, 6to4, Teredo) counts too."""
    try:
        own = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(own, ipaddress.IPv6Address):
        if own in ipaddress.IPv6Network("64:ff9b::/96"):  # NAT64, RFC 6052
            return is_public(str(ipaddress.IPv4Address(int(own) & 0xFFFFFFFF)))
        inner = [own.ipv4_mapped, own.sixtofour, *(own.teredo or ())]
        if any(one is not None and not is_public(str(one)) for one in inner):
            return False
    return own.is_global and not own.is_multicast and not own.is_reserved and not own.is_unspecified


def _body(answer: http.client.HTTPResponse, policy: RemotePolicy, until: float, what: str) -> bytes:
    parts, size = [], 0
    while block := answer.read1(_BLOCK):
        parts.append(block)
        size += len(block)
        if size > policy.bytes_most:
            msg = f"expected a {what} of at most {policy.bytes_most} bytes, got more"
            raise RemoteError(msg)
    _left(until)  # a connection that was cut ends like one that is done
    if answer.length:
        msg = f"the {what} was cut short: {answer.length} bytes are missing"
        raise RemoteError(msg)
    return b"".join(parts)


def _left(until: float) -> float:
    """Return the seconds that are left. Raises `RemoteError` if there are none."""
    left = until - time.monotonic()
    if left <= 0:
        msg = "the answer did not come in time"
        raise RemoteError(msg)
    return left
