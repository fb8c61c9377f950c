"""The one error of the launcher: a sentence, and what to do about it."""


class LaunchError(Exception):
    """Something the user has to know, with the command or step that mends it.

    :param message: one sentence that says what is wrong.
    :param remedy: the exact command, or what to change.
    :param log: the last lines of the log that explains it.
    """

    def __init__(self, message: str, remedy: str = "", log: str = ""):
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.log = log

    def text(self) -> str:
        """Message, log and remedy as lines for the screen."""
        lines = [self.message]
        if self.log:
            lines += ["", *(f"    {line}" for line in self.log.splitlines()), ""]
        if self.remedy:
            lines.append(f"Remedy: {self.remedy}")
        return "\n".join(lines)
