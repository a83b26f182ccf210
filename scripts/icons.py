"""Make the icons for a phone's home screen from the app's icon.

.venv/bin/python -m scripts.icons
"""

from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.conftest import CHROMIUM_ARGUMENTS, ROOT, find_chromium

GREEN = "#10a37f"
"""Background of the icon; for systems that cut the icon into a shape of their own."""

ICONS = {
    # name: pixels, background, size of the drawing in per cent
    "icon-192": (192, "transparent", 100),
    "icon-512": (512, "transparent", 100),
    "icon-maskable-512": (512, GREEN, 80),  # the drawing is within 80 %, as the standard asks
    "apple-touch-icon": (180, GREEN, 100),
}


def main() -> None:
    """Write the icons to `static/`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS
        )
        for name, (pixels, background, percent) in ICONS.items():
            draw(browser, ROOT / "static" / f"{name}.png", pixels, background, percent)
        browser.close()


def draw(browser: Browser, path: Path, pixels: int, background: str, percent: int) -> None:
    """Draw the icon as a square PNG."""
    svg = (ROOT / "chatbot" / "assets" / "icon.svg").read_text("utf-8")
    page = browser.new_page(viewport={"width": pixels, "height": pixels})
    page.set_content(
        f"<body style='margin:0;height:100vh;display:grid;place-items:center;"
        f"background:{background}'><div style='width:{percent}%'>{svg}</div>"
    )
    page.screenshot(path=path, omit_background=True)
    page.close()


if __name__ == "__main__":
    main()
