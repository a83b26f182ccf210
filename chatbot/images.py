"""Images that a model answers with: Markdown whose address holds the image itself.

Nothing is fetched for one, so these are the images that are drawn; all others become links
(see dialect.py). They are kept with the answer's text, but are no part of it for whoever counts,
searches or sends it on.
"""

import re

_ADDRESS = r"data:image/(?:png|jpe?g|gif|webp);base64,[A-Za-z0-9+/]+={0,2}"
"""No SVG, which is a document of its own, with scripts and links."""

_NAME = r"[^][\\`<>&$!\n]*"

IMAGE = re.compile(rf"!\[({_NAME})\]\(({_ADDRESS})(\)?)")
"""Without its last mark it was cut off, be it at the end or where an answer went on."""

_OPEN = re.compile(
    rf"!\[{_NAME}\]\(data:image/[a-z]*(?:;[a-z0-9]*(?:,[A-Za-z0-9+/]*=*)?)?", re.ASCII
)

_KNOWN = re.compile(rf"{_ADDRESS}|https?://[^\s()<>\\]+")


def drawn(image: re.Match[str]) -> str:
    """A match of `IMAGE` as Streamlit draws an image and nothing else.

    Of its name only words and blanks: `:a{b="](…)"}` in it is a directive to Streamlit, which then
    sees another end of the name and another address, and fetches from there.
    """
    if not image[3]:
        return "🖼"
    name = re.sub(r"[^\w ]", " ", image[1])
    return f"![{name}]({image[2]})"


def has_images(text: str) -> bool:
    """Whether there may be images in a text, and so a megabyte that is no text."""
    return "](data:image/" in text


def without_images(text: str) -> str:
    """A text with a word in the place of each image."""
    if not has_images(text):
        return text
    return IMAGE.sub(lambda image: f"[{image[1] or 'image'}]", text)


def without_open_image(text: str) -> str:
    """A growing text without an image at its end that has not come whole yet."""
    begin = text.rfind("![")
    return text[:begin] if begin >= 0 and _OPEN.fullmatch(text, begin) else text


def in_part(part: object) -> str:
    """The image that a part of a message is, as Markdown, or "".

    OpenRouter's form, `{"type": "image_url", "image_url": {"url": …}}`, in a field `images` or
    among the parts of the content.
    """
    image = part.get("image_url") if isinstance(part, dict) else None
    address = image.get("url") if isinstance(image, dict) else image
    is_known = isinstance(address, str) and _KNOWN.fullmatch(address)
    return f"\n\n![image]({address})\n\n" if is_known else ""
