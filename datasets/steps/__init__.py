"""What one step of laundering does, a function for each kind of media it can happen to; the catalogue names them."""

from .catalogue import STEPS
from .step import Step

__all__ = ["STEPS", "Step"]
