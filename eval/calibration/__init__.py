"""From raw scores to likelihood ratios that hold on people the detector has not met: calibrate, fuse, abstain.

Everything is fitted by plain functions of arrays, saved as safetensors beside a JSON card, and loaded only if the
card's digest is that of the numbers.
"""

from __future__ import annotations

from .interface import METHODS, CalibrationError, Calibrator, method

__all__ = ["METHODS", "CalibrationError", "Calibrator", "method"]
