"""Anchors a log's checkpoint in an Ethereum-compatible chain: its SHA-256 as the data of a transaction.

No contract is needed: the transaction goes from the payer to itself, worth nothing, and carries 32 bytes. Its block
tells when the checkpoint existed at the latest; rewriting that would mean rewriting the chain. Anybody with a node of
that chain can check it. What is anchored is the checkpoint's text (name, size, root), without its signatures.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..media.errors import MissingExtra
from .merkle import LedgerError
from .notes import Checkpoint

if TYPE_CHECKING:
    from web3 import Web3

_HASH = re.compile(r"0x[0-9a-f]{64}")
_LEAST_GAS = 21_000  # of any transaction (Ethereum yellow paper, appendix G)
_GAS_ROOM = 5  # an estimate may fall short by a fifth


class NodeError(LedgerError):
    """The node does not serve, or serves another chain: this says nothing of an anchor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Where a checkpoint is anchored: the `chain`'s id (EIP-155) and the `transaction` (0x and 64 hex digits)."""

    chain: int
    transaction: str

    def __post_init__(self) -> None:
        """Raise `LedgerError` unless both have their form."""
        if self.chain < 0 or not _HASH.fullmatch(self.transaction):
            msg = f"expected a chain's id and a transaction as 0x and 64 digits, got {self.chain}, {self.transaction!r}"
            raise LedgerError(msg)

    def to_json(self) -> str:
        """Return the anchor as JSON text, to be kept beside the checkpoint."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> Anchor:
        """Return what `to_json` wrote. Raises `LedgerError` for other text."""
        try:
            raw = json.loads(text)
            return cls(chain=int(raw["chain"]), transaction=str(raw["transaction"]))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            msg = f"expected an anchor as JSON with chain and transaction, got {text[:80]!r}"
            raise LedgerError(msg) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """What the chain says of an anchor: the block's `time` and number, who paid, and how many blocks vouch for it."""

    time: datetime
    block: int
    sender: str
    confirmations: int


class Chain:
    """A chain, as the node behind `web3` tells it: trust in an anchor is trust in that node, so ask your own."""

    def __init__(self, web3: Web3) -> None:
        """Use a connected `Web3`."""
        self._web3 = web3

    @classmethod
    def at(cls, url: str, *, seconds: float = 30.0) -> Chain:
        """Return the chain of the node at `url` (JSON-RPC over http); this goes over the network.

        Raises `MissingExtra` without web3, `NodeError` if no node answers there within `seconds`.
        """
        try:
            from web3 import HTTPProvider, Web3
        except ImportError as error:
            feature = "anchoring in a chain"
            raise MissingExtra(feature, "anchor") from error
        node = Web3(HTTPProvider(url, request_kwargs={"timeout": seconds}))
        with _asked():
            node.eth.chain_id  # noqa: B018 - asks the node
        return cls(node)

    def anchor(self, note: str, *, key: bytes, most_wei: int = 10**16, seconds: float = 120.0) -> Anchor:
        """Send the transaction that anchors the checkpoint in `note`, paid by `key` (32 bytes), and wait for its block.

        It is signed here: the key never reaches the node. Raises `LedgerError` if it would cost more than `most_wei`,
        is not in a block within `seconds`, or the node refuses it.
        """
        eth = self._web3.eth
        with _asked():
            payer = eth.account.from_key(key)
            chain, head = eth.chain_id, eth.get_block("latest")
            tip = eth.max_priority_fee
            order: dict[str, Any] = {
                "chainId": chain,
                "from": payer.address,
                "to": payer.address,
                "value": 0,
                "data": digest(note),
                "nonce": eth.get_transaction_count(payer.address, "pending"),
                "maxPriorityFeePerGas": tip,
                "maxFeePerGas": 2 * int(head.get("baseFeePerGas", 0)) + tip,
            }
            has = eth.get_balance(payer.address)
            if has < _LEAST_GAS * order["maxFeePerGas"]:
                msg = f"the payer {payer.address} has {has} wei, too little for a transaction: send it some"
                raise LedgerError(msg)
            gas = eth.estimate_gas(order)  # type: ignore[arg-type]  # its own TypedDict
            order["gas"] = gas + gas // _GAS_ROOM
            if order["gas"] * order["maxFeePerGas"] > most_wei:
                msg = f"anchoring may cost {order['gas'] * order['maxFeePerGas']} wei, more than the {most_wei} allowed"
                raise LedgerError(msg)
            del order["from"]
            sent = eth.send_raw_transaction(payer.sign_transaction(order).raw_transaction)
        made = Anchor(chain=chain, transaction="0x" + bytes(sent).hex())
        try:
            with _asked():
                eth.wait_for_transaction_receipt(sent, timeout=seconds)
        except LedgerError as error:
            msg = f"the anchor {made.to_json()} was sent, but is not seen in a block yet: keep it and verify it later"
            raise LedgerError(msg) from error
        return made

    def verify(self, note: str, anchor: Anchor, *, confirmations: int = 1) -> Anchored:
        """Return what the chain says of `anchor`.

        Raises `LedgerError` if the transaction is not in the chain or failed, carries something else than the
        checkpoint in `note`, or fewer blocks than `confirmations` stand on it; `NodeError`, which says nothing of the
        anchor, if the node does not serve or is of another chain.
        """
        eth = self._web3.eth
        with _asked():
            if eth.chain_id != anchor.chain:
                msg = f"the node is of chain {eth.chain_id}, the anchor in chain {anchor.chain}: ask another node"
                raise NodeError(msg)
            told = eth.get_transaction(anchor.transaction)  # type: ignore[arg-type]  # text is taken too
            receipt = eth.get_transaction_receipt(anchor.transaction)  # type: ignore[arg-type]
            block = eth.get_block(receipt["blockNumber"])
            depth = eth.block_number - receipt["blockNumber"] + 1
            whole = receipt["status"] == 1 and block["hash"] == receipt["blockHash"]
            seen = Anchored(
                time=datetime.fromtimestamp(block["timestamp"], UTC),
                block=int(receipt["blockNumber"]),
                sender=str(told["from"]),
                confirmations=int(depth),
            )
            carried = bytes(told["input"])
        if carried != digest(note):
            msg = f"the transaction {anchor.transaction} anchors something else than this checkpoint"
            raise LedgerError(msg)
        if not whole or depth < confirmations:
            msg = f"the transaction {anchor.transaction} failed, or {depth} blocks vouch for it and not {confirmations}"
            raise LedgerError(msg)
        return seen


def digest(note: str) -> bytes:
    """Return the 32 bytes that are anchored: the SHA-256 of the checkpoint's text, without signatures."""
    return hashlib.sha256(Checkpoint.parse(note).text().encode()).digest()


@contextmanager
def _asked() -> Iterator[None]:
    """Turn whatever a node or web3 answers with into an error of ours."""
    from web3.exceptions import TransactionNotFound, Web3Exception

    try:
        yield
    except TransactionNotFound as error:
        msg = "the transaction is in no block of this chain"
        raise LedgerError(msg) from error
    except (Web3Exception, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        told = " ".join(str(error).split())[:300]
        msg = f"the chain's node does not serve: {type(error).__name__}: {told}"
        raise NodeError(msg) from error
