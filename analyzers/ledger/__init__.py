"""The ledger: every allocation is matched to its free, by address, in time order (``docs/matching.md``)."""

from analyzers.ledger.ledger import Ledger

__all__ = ["Ledger"]
