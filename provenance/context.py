"""How c2pa-rs is told to work: every reading and signing uses these settings, never the library's own defaults."""

from __future__ import annotations

from typing import Any

from ..media.limits import Limits
from .vocabulary import SIGNING_PURPOSES


def c2pa_settings(anchors_pem: bytes, *, limits: Limits) -> dict[str, Any]:
    """Return the settings for `c2pa.Context`: no network, no automatic thumbnail, these anchors, bounded manifests.

    By default the library fetches remote manifests from any address that a file names, and adds thumbnails of up to
    a megabyte. An empty list of anchors is left out: the library takes it for a damaged one.
    """
    trust = {"trust_config": "\n".join(SIGNING_PURPOSES) + "\n"}
    if anchors_pem:
        trust["user_anchors"] = anchors_pem.decode("ascii")
    return {
        "version": 1,
        "verify": {
            "verify_trust": True,
            "remote_manifest_fetch": False,
            "ocsp_fetch": False,
            "verify_after_sign": False,  # `sign_file` reads the written file back, which checks more
        },
        "trust": trust,
        "builder": {"thumbnail": {"enabled": False}},
        "core": {
            "allowed_network_hosts": [],
            "max_decompressed_manifest_size_in_mb": max(1, limits.manifest_bytes // 1024**2),
        },
    }
