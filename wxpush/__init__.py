"""wxpush: a bulk sender of WeChat Official Account template messages."""

__version__ = "0.1.0"
