"""Characters that a server split over two chunks, joined again. Pure."""


class WholeCharacters:
    """Joins the halves of characters that were split over two chunks."""

    def __init__(self) -> None:
        self._half = ""

    def of(self, text: str) -> str:
        """Return the characters completed by `text`; half a character at its end waits for more."""
        text = self._half + text
        if not text or (text.isascii() and "\0" not in text):
            return text
        self._half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        whole = text[: len(text) - len(self._half)].replace("\0", "")
        return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
