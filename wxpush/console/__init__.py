"""Everything a person sees: plan, question, progress, summary, tables and errors, in safe text."""

from wxpush.console.console import Console
from wxpush.console.safe import safe

__all__ = ["Console", "safe"]
