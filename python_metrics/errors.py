"""The one exception that a user is meant to read."""


class DriftmeterError(Exception):
    """Bad input or a missing part, told in one line.

    Parameters
    ----------
    what : str
        What is wrong, in plain words.
    where : str, optional
        The file, field, table or address it was found in.
    fix : str, optional
        What the reader can do about it.
    """

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        self.what, self.where, self.fix = what, where, fix
        line = f"{where}: {what}" if where else what
        super().__init__(f"{line}. {fix}." if fix else f"{line}.")
