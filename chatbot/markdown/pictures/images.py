"""Images in a model's answer: Markdown whose address contains the image's own data.

The browser fetches nothing for these images, so they are drawn; all other images become links
(see `to_streamlit.py`). They are stored with the answer's text, but left out when the text is
counted, searched or sent to a model.
"""

import re

_ADDRESS = r"data:image/(?:png|jpe?g|gif|webp);base64,[A-Za-z0-9+/]+={0,2}"
"""Address with the data of an image. No SVG, because it is a document with scripts and links."""

_NAME = r"[^][\\`<>&$!\n]*"

IMAGE = re.compile(rf"!\[({_NAME})\]\(({_ADDRESS})(\)?)")
"""An image. If its closing bracket is missing, the answer was cut off within the image."""

_OPEN = re.compile(
    rf"!\[{_NAME}\]\(data:image/[a-z]*(?:;[a-z0-9]*(?:,[A-Za-z0-9+/]*=*)?)?", re.ASCII
)

_KNOWN = re.compile(rf"{_ADDRESS}|https?://[^\s()<>\\]+")


def drawn(image: re.Match[str]) -> str:
    """Write a match of `IMAGE` so that Streamlit draws only this image.

    Only letters, digits and spaces remain of the name. A name with `:a{b="](…)"}` contains a
    directive for Streamlit, which would then see another end of the name and fetch another address.
    """
    if not image[3]:
        return "🖼"
    name = re.sub(r"[^\w ]", " ", image[1])
    return f"![{name}]({image[2]})"


def has_images(text: str) -> bool:
    """Return True if a text may contain images, and so a megabyte of data that is not text."""
    return "](data:image/" in text


def without_images(text: str) -> str:
    """Replace each image in a text by its name in brackets."""
    if not has_images(text):
        return text
    return IMAGE.sub(lambda image: f"[{image[1] or 'image'}]", text)


def without_open_image(text: str) -> str:
    """Remove an image at the end of a growing text that has not been received completely."""
    begin = text.rfind("![")
    return text[:begin] if begin >= 0 and _OPEN.fullmatch(text, begin) else text


def in_part(part: object) -> str:
    """Return the image in a part of a message as Markdown, or "" if the part is not an image.

    OpenRouter sends `{"type": "image_url", "image_url": {"url": …}}`, in a field `images` or
    among the parts of the content.
    """
    image = part.get("image_url") if isinstance(part, dict) else None
    address = image.get("url") if isinstance(image, dict) else image
    is_known = isinstance(address, str) and _KNOWN.fullmatch(address)
    return f"\n\n![image]({address})\n\n" if is_known else ""
