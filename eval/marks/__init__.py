"""The marks bench: what our marks and those of others survive, mistake, give away and cost, on real media."""

from . import page
from .conduct import PARTS, Settings, run
from .contenders import CONTENDERS

__all__ = ["CONTENDERS", "PARTS", "Settings", "page", "run"]
