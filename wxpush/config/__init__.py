"""Accounts, their secrets, and the folders of this user."""

from wxpush.config.account import Account, CallbackKeys, OutsideToken
from wxpush.config.directories import Directories
from wxpush.config.load import load_account, load_accounts, load_callback, load_database, load_testers
from wxpush.config.secret import Secret

__all__ = [
    "Account",
    "CallbackKeys",
    "Directories",
    "OutsideToken",
    "Secret",
    "load_account",
    "load_accounts",
    "load_callback",
    "load_database",
    "load_testers",
]
