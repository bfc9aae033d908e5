"""What is wrong with one text of a campaign or a list, before its place is known."""


class FaultError(ValueError):
    """A stable code (`WX402`), what is wrong, and the remedy."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
