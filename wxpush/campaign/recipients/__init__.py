"""Lists of recipients as streams of rows: CSV, JSONL, JSON and Excel, in the encodings they come in."""

from wxpush.campaign.formula import quote_formula, unquote_formula
from wxpush.campaign.recipients.lists import LIST_ENDINGS, RecipientList, open_recipients

__all__ = ["LIST_ENDINGS", "RecipientList", "open_recipients", "quote_formula", "unquote_formula"]
