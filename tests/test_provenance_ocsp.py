"""Authorities asked whether they withdrew a certificate; a responder of this machine answers, well or badly."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from assay.provenance.issue import Issued, issue_authority
from assay.provenance.ocsp import INACCESSIBLE, Responders, ask_chain, with_asked
from assay.provenance.remote import RemotePolicy
from assay.provenance.report import Codes
from assay.provenance.second_opinion import disagreements, second_opinion
from assay.provenance.second_opinion.revocation import NOT_REVOKED, SKIPPED
from assay.provenance.verification import State, Verification
from assay.provenance.verify import verify
from cryptography import x509
from cryptography.x509 import ocsp
from signed_files import DAY, GOOD, NOW, REVOKED, answer, codes, issued, sign_with, step, told, trusting

UNKNOWN = ocsp.OCSPCertStatus.UNKNOWN
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"


@dataclass
class Responder:
    """A responder of this machine: what it answers to a question, and the questions that came."""

    url: str
    reply: Callable[[ocsp.OCSPRequest], bytes] = lambda _: b""
    questions: list[ocsp.OCSPRequest] = field(default_factory=list)
    status: int = 200


@pytest.fixture
def responder() -> Iterator[Responder]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/ocsp-request"
            made.questions.append(ocsp.load_der_ocsp_request(self.rfile.read(int(self.headers["Content-Length"]))))
            body = made.reply(made.questions[-1])
            self.send_response(made.status)
            self.send_header("Location", "http://169.254.169.254/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign] # a channel that was cut
        made = Responder(f"http://127.0.0.1:{server.server_port}/ocsp")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def authority() -> Issued:
    return issue_authority("Press", now=NOW)


HERE = frozenset({"127.0.0.1"})
TEST = RemotePolicy(hosts=HERE, private_addresses=True, seconds=5.0)


def nonce_of(question: ocsp.OCSPRequest) -> bytes:
    return question.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce


def both(path: Path, authority: Issued, policy: RemotePolicy = TEST, now: dt.datetime | None = None) -> Verification:
    """Verify a file, asking; the second opinion, which asks too, must be the same."""
    trust, responders = trusting(authority), Responders(policy)
    found = verify(path, trust=trust, responders=responders, now=now)
    second = second_opinion(path, trust=trust, responders=responders, now=now)
    assert second.state is found.state
    assert disagreements(found, second) == ()
    assert told(found, 8) == next(one.sentence for one in second.checks if one.step == 8)
    return found


@pytest.mark.parametrize("named", [False, True], ids=["by the issuer", "by a responder it named"])
@pytest.mark.parametrize(
    ("status", "state", "outcome", "code", "words"),
    [
        (GOOD, State.TRUSTED, "pass", "signingCredential.ocsp.notRevoked", "not withdrawn now that its authority"),
        (REVOKED, State.INVALID, "fail", "signingCredential.ocsp.revoked", "was withdrawn by its authority at"),
        (UNKNOWN, State.TRUSTED, "not done", "signingCredential.ocsp.unknown", "was asked, and does not know it"),
    ],
    ids=["good", "revoked", "unknown"],
)
def test_what_the_authority_says_is_told(
    status: ocsp.OCSPCertStatus,
    state: State,
    outcome: str,
    code: str,
    words: str,
    named: bool,
    responder: Responder,
    authority: Issued,
    photo: Path,
    tmp_path: Path,
) -> None:
    leaf = issued(authority, ocsp_url=responder.url)
    by = issued(authority, purposes=(OCSP_SIGNING,)) if named else None
    responder.reply = lambda question: answer(leaf, authority, status=status, responder=by, nonce=nonce_of(question))
    path = sign_with(photo, tmp_path, leaf, authority)
    found = both(path, authority)
    check = step(found, 8)
    assert (found.state, check.outcome, check.codes) == (state, outcome, (code,))
    assert words in check.sentence
    assert bool(check.remedy) == (outcome != "pass")
    assert len(responder.questions) == 1  # the second reader takes up the first one's answer
    asked = responder.questions[0]
    assert (asked.serial_number, len(nonce_of(asked))) == (leaf.certificate.serial_number, 16)
    assert found.facts["revocation"][0]["url"] == responder.url


def test_nothing_is_asked_unless_wanted(responder: Responder, authority: Issued, photo: Path, tmp_path: Path) -> None:
    path = sign_with(photo, tmp_path, issued(authority, ocsp_url=responder.url), authority)
    found = verify(path, trust=trusting(authority))
    assert "none is fetched" in told(found, 8)
    assert "revocation" not in found.facts
    assert responder.questions == []


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        pytest.param(RemotePolicy(hosts=frozenset({"example.com"}), private_addresses=True), "not among", id="other"),
        pytest.param(RemotePolicy(hosts=HERE), "usual port", id="odd port"),
    ],
)
def test_a_host_that_may_not_be_asked_is_not(
    policy: RemotePolicy, words: str, responder: Responder, authority: Issued, photo: Path, tmp_path: Path
) -> None:
    path = sign_with(photo, tmp_path, issued(authority, ocsp_url=responder.url), authority)
    found = both(path, authority, policy)
    assert (found.state, step(found, 8).outcome, codes(found, 8)) == (State.TRUSTED, "not done", (SKIPPED,))
    assert words in told(found, 8)
    assert responder.questions == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1"])
def test_a_named_host_inside_the_house_is_not_asked(host: str, authority: Issued) -> None:
    leaf = issued(authority, ocsp_url=f"http://{host}/ocsp")
    responders = Responders(RemotePolicy(hosts=frozenset({host.strip("[]")})))
    asked = responders.ask(leaf.certificate, authority.certificate, NOW)
    assert asked.result == "not asked"
    assert "not on the public network" in asked.why


@pytest.mark.parametrize(
    "kind",
    [
        *("another number", "stranger", "another", "old", "of tomorrow", "no responder", "responder of old"),
        *("junk", "huge", "500", "302"),
    ],
)
def test_an_answer_that_does_not_hold_is_none(
    kind: str, responder: Responder, authority: Issued, photo: Path, tmp_path: Path
) -> None:
    leaf, stranger = issued(authority, ocsp_url=responder.url), issue_authority("Press", now=NOW)
    over = issued(authority, purposes=(OCSP_SIGNING,), starts_in=-9 * DAY, ends_in=-DAY)
    replies: dict[str, Callable[[ocsp.OCSPRequest], bytes]] = {
        "another number": lambda _: answer(leaf, authority, status=GOOD, nonce=bytes(16)),
        "stranger": lambda q: answer(leaf, authority, status=REVOKED, responder=stranger, nonce=nonce_of(q)),
        "another": lambda q: answer(issued(authority), authority, status=REVOKED, nonce=nonce_of(q)),
        "old": lambda q: answer(leaf, authority, status=GOOD, age=9 * DAY, nonce=nonce_of(q)),
        "of tomorrow": lambda q: answer(leaf, authority, status=GOOD, age=-DAY, nonce=nonce_of(q)),
        "no responder": lambda q: answer(leaf, authority, status=GOOD, responder=issued(authority), nonce=nonce_of(q)),
        "junk": lambda _: b"\x30\x03\x0a\x01\x00",
        "huge": lambda _: bytes(65 * 1024),
        "responder of old": lambda q: answer(leaf, authority, status=REVOKED, responder=over, nonce=nonce_of(q)),
    }
    responder.status = int(kind) if kind.isdigit() else 200
    responder.reply = replies.get(kind, lambda _: b"")
    found = both(sign_with(photo, tmp_path, leaf, authority), authority)
    assert (found.state, step(found, 8).outcome, codes(found, 8)) == (State.TRUSTED, "not done", (INACCESSIBLE,))
    assert "no answer came that holds" in told(found, 8)
    assert step(found, 8).remedy == "try again later"


def test_a_responder_that_is_silent_costs_the_time_allowed_and_no_more(responder: Responder, authority: Issued) -> None:
    free = threading.Event()
    responder.reply = lambda _: bytes(free.wait(5))
    leaf = issued(authority, ocsp_url=responder.url)
    policy = RemotePolicy(hosts=HERE, private_addresses=True, seconds=0.3)
    try:
        asked = Responders(policy).ask(leaf.certificate, authority.certificate, NOW)
    finally:
        free.set()
    assert asked.result == "unreachable"


def test_an_answer_without_a_number_counts_while_it_holds(
    responder: Responder, authority: Issued, photo: Path, tmp_path: Path
) -> None:
    leaf = issued(authority, ocsp_url=responder.url)
    responder.reply = lambda _: answer(leaf, authority, status=GOOD)
    assert codes(both(sign_with(photo, tmp_path, leaf, authority), authority), 8) == (NOT_REVOKED,)


def test_one_certificate_is_asked_about_once(responder: Responder, authority: Issued) -> None:
    leaf = issued(authority, ocsp_url=responder.url)
    responder.reply = lambda question: answer(leaf, authority, status=GOOD, nonce=nonce_of(question))
    responders = Responders(TEST)
    for _ in range(3):
        assert responders.ask(leaf.certificate, authority.certificate, NOW).result == "good"
    assert len(responder.questions) == 1
    responders.ask(leaf.certificate, authority.certificate, NOW + 30 * DAY)  # the answer is over by then
    assert len(responder.questions) == 2


def test_a_withdrawal_after_the_time_of_signing_leaves_the_signature(responder: Responder, authority: Issued) -> None:
    leaf = issued(authority, ocsp_url=responder.url)
    responder.reply = lambda q: answer(leaf, authority, status=REVOKED, since=-2 * DAY, nonce=nonce_of(q))
    chain, anchors = (leaf.certificate,), (authority.certificate,)
    before, after = NOW - 3 * DAY, NOW - DAY
    skipped = Codes(informational=(SKIPPED,))
    asked = ask_chain(Responders(TEST), chain, anchors, (before, NOW))
    assert with_asked(skipped, asked, before) == Codes(success=(NOT_REVOKED,))
    assert with_asked(skipped, asked, after).failure == ("signingCredential.ocsp.revoked",)


def test_an_answer_that_came_along_stands_where_the_authority_is_silent(authority: Issued) -> None:
    leaf = issued(authority)
    asked = ask_chain(Responders(TEST), (leaf.certificate,), (authority.certificate,), (NOW, NOW))
    assert asked[0].why == "the certificate names no address to ask at"
    assert NOT_REVOKED in with_asked(Codes(success=(NOT_REVOKED,)), asked, NOW).success


def test_a_withdrawn_authority_above_the_signer_counts(
    responder: Responder, authority: Issued, photo: Path, tmp_path: Path
) -> None:
    middle = below(authority, responder.url)
    leaf = issued(middle, ocsp_url=responder.url)

    def reply(question: ocsp.OCSPRequest) -> bytes:
        if question.serial_number == leaf.certificate.serial_number:
            return answer(leaf, middle, status=GOOD, nonce=nonce_of(question))
        return answer(middle, authority, status=REVOKED, nonce=nonce_of(question))

    responder.reply = reply
    found = both(sign_with(photo, tmp_path, leaf, middle), authority)
    assert (found.state, codes(found, 8)) == (State.INVALID, ("signingCredential.ocsp.revoked",))
    assert "the certificate of an authority above the signer was withdrawn" in told(found, 8)
    assert [one["result"] for one in found.facts["revocation"]] == ["good", "revoked"]


def below(authority: Issued, url: str) -> Issued:
    """Issue an authority below another, which names where to ask about it."""
    made = issue_authority("Middle", now=NOW - DAY)
    old = made.certificate
    builder = x509.CertificateBuilder().subject_name(old.subject).issuer_name(authority.certificate.subject)
    builder = builder.public_key(old.public_key()).serial_number(7)
    builder = builder.not_valid_before(NOW - DAY).not_valid_after(NOW + 99 * DAY)
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    entry = x509.AccessDescription(x509.oid.AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url))
    builder = builder.add_extension(x509.AuthorityInformationAccess([entry]), critical=False)
    digest = old.signature_hash_algorithm
    return Issued(certificate=builder.sign(authority.key, digest), key=made.key)  # type: ignore[arg-type]
