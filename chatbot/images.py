"""Images that a model answers with: Markdown whose address holds the image itself.

Nothing is fetched for one, so these are the images that are drawn; all others become links
(see dialect.py). They are kept with the answer's text, but are no part of it for whoever counts,
searches or sends it on.
"""

import re

IMAGE = re.compile(
    r"!\[([^][\\`<>&$!\n]*)\]\(data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}\)"
)
"""No SVG, which is a document of its own, with scripts and links."""

_OPEN = re.compile(r"!\[[^][\\`<>&$!\n]*\]\(data:image/[a-z]*(?:;[a-z0-9]*(?:,[A-Za-z0-9+/]*=*)?)?")

_ADDRESS = re.compile(r"data:image/[a-z]+;base64,[A-Za-z0-9+/]+={0,2}|https?://[^\s()<>\\]+")


def without_images(text: str) -> str:
    """A text with a word in the place of each image."""
    if "](data:image/" not in text:
        return text
    return IMAGE.sub(lambda image: f"[{image[1] or 'image'}]", text)


def without_open_image(text: str) -> str:
    """A growing text without an image at its end that has not come whole yet."""
    begin = text.rfind("![")
    return text[:begin] if begin >= 0 and _OPEN.fullmatch(text, begin) else text


def in_parts(parts: object) -> str:
    """The images among the parts of a message, as Markdown.

    OpenRouter's form, `{"type": "image_url", "image_url": {"url": …}}`, in a field `images` or
    among the parts of the content.
    """
    images = [
        part.get("image_url")
        for part in (parts if isinstance(parts, list) else [])
        if isinstance(part, dict)
    ]
    addresses = [image.get("url") if isinstance(image, dict) else image for image in images]
    return "".join(
        f"\n\n![image]({address})\n\n"
        for address in addresses
        if isinstance(address, str) and _ADDRESS.fullmatch(address)
    )
