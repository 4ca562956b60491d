"""What `assay verify` does with each file: the verification, and a second opinion where one is wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...provenance.ocsp import Responders
    from ...provenance.remote import RemotePolicy
    from ...provenance.trust import Trust
    from ...provenance.verification import Verification
    from .recovery import Places


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What is done with each file, and what answers depend on beside it."""

    check: Callable[[Path], Verification]
    under: tuple[object, ...]
    trust: Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """The hosts that may be asked, none by default: for manifests, and whether certificates were withdrawn."""

    remote: list[str] | None
    ocsp: list[str] | None

    def manifests(self) -> RemotePolicy | None:
        """Return what of manifests may be fetched."""
        from ...provenance.remote import RemotePolicy

        return RemotePolicy(hosts=frozenset(self.remote)) if self.remote else None

    def responders(self) -> Responders | None:
        """Return who may be asked about certificates."""
        if not self.ocsp:
            return None
        from ...provenance.ocsp import Responders
        from ...provenance.remote import RemotePolicy

        return Responders(RemotePolicy(hosts=frozenset(self.ocsp)))

    def under(self) -> tuple[object, ...]:
        """Return what answers depend on."""
        return (*sorted(self.remote or ()), *(f"ocsp {host}" for host in sorted(self.ocsp or ())))


def check_with(trust: Trust, sidecar: Path | None, places: Places | None, *, second: bool, hosts: Hosts) -> Check:
    """Return what is done with each file."""
    from ...provenance.recover import verify_or_recover
    from ...provenance.verify import verify as verify_file

    policy, responders = hosts.manifests(), hosts.responders()
    recovery, looked_into = places.recovery() if places is not None else (None, ())

    def once(path: Path) -> Verification:
        own = verify_file(path, trust=trust, sidecar=sidecar, remote=policy, responders=responders)
        found = verify_or_recover(path, recovery=recovery, trust=trust, verified=own)
        return _with_opinion((own, found), path, trust, sidecar, responders) if second else found

    return Check(check=once, under=(second, *hosts.under(), *looked_into), trust=trust)


def _with_opinion(
    own_and_found: tuple[Verification, Verification],
    path: Path,
    trust: Trust,
    sidecar: Path | None,
    responders: Responders | None,
) -> Verification:
    """Return the second verification with the second opinion's state and where it differs among its facts.

    The opinion is about the file's own manifest, as the first one is: not about one that was found through a mark.
    """
    from ...media.errors import AssayError
    from ...provenance.second_opinion import disagreements, second_opinion

    own, found = own_and_found
    try:
        opinion = second_opinion(path, trust=trust, sidecar=sidecar, responders=responders)
    except AssayError as error:
        told: dict[str, Any] = {"state": None, "error": str(error), "disagreements": []}
    else:
        state = None if opinion.state is None else opinion.state.value
        told = {"state": state, "disagreements": [one.sentence for one in disagreements(own, opinion)]}
    return replace(found, facts={**found.facts, "second_opinion": told})
