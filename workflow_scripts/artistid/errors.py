"""Exceptions whose messages are for the user of the workflow."""


class InputError(Exception):
    """Bad input or configuration.

    The message is one line that names the file or the configuration key, says what is wrong with
    it, and what to do. It is shown without a traceback.
    """


class ArtistError(InputError):
    """One artist's tracks are unsuitable; callers put the artist's name before the message.

    Attributes:
        label: class of the artist, an index into the class names.
    """

    def __init__(self, label: int, message: str) -> None:
        super().__init__(message)
        self.label = label


def shortened(text: str, at_most: int = 200) -> str:
    """Return a text, without its middle if it is long."""
    half = at_most // 2
    return text if len(text) <= at_most else f"{text[:half]} ... {text[-half:]}"
