"""Who signed each manifest of a store, by our own reading, held against the signature itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .profile import fingerprint, parse_chain
from .report import active_codes, active_label
from .second_opinion.cose import signed_by
from .second_opinion.jumbf import certificate_chains

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from .reader import Reading
    from .trust import Trust

__all__ = ["signers"]


def signers(reading: Reading, trust: Trust) -> dict[str, tuple[Certificate, ...]]:
    """Return the certificates of each manifest's signer, by label, the signer's first; empty where they are not its.

    c2pa-rs holds a signature against the chain that it finds, and we judge by the one that we find: a manifest can be
    built in which the two differ, to pass for a signer whose certificate everybody has. So ours must have signed the
    active manifest too, and each ingredient's that would be trusted by its certificate alone.
    """
    carried = certificate_chains(reading.store)
    chains = {name: parse_chain(chain) for name, chain in carried.items()}
    held = (
        {active_label(reading.report)} if "claimSignature.validated" in active_codes(reading.report).success else set()
    )
    held |= {name for name, chain in chains.items() if chain and fingerprint(chain[0]) in trust.allowed}
    return {
        name: () if name in held and chain and not signed_by(reading.store, name, chain[0]) else chain
        for name, chain in chains.items()
    }
