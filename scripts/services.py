"""Update the tables of known services in `docs/`: `python -m scripts.services`."""

from pathlib import Path

from chatbot.connection_check.presets import Service, services

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {"en": DOCS / "settings.md", "zh": DOCS / "settings.zh.md"}

HEADS = {
    "en": ("Service", "Base URL", "Key from", "Good to know", "none needed"),
    "zh": ("服务", "地址", "密钥", "说明", "无需"),
}


def table(language: str) -> str:
    """Return the table in `en` or `zh` as Markdown."""
    *heads, no_key = HEADS[language]
    rows = [heads, ["---"] * len(heads), *(_row(one, language, no_key) for one in services())]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def with_table(page: str, language: str) -> str:
    """Replace the table between `<!-- services -->` and `<!-- end -->` of a page."""
    before, mark, rest = page.partition("<!-- services -->")
    _, end, after = rest.partition("<!-- end -->")
    return f"{before}{mark}\n\n{table(language)}\n\n{end}{after}"


def _row(service: Service, language: str, no_key: str) -> list[str]:
    key = f"[{_host(service.key_from)}]({service.key_from})" if service.key_from else no_key
    return [
        service.name,
        f"`{service.base_url}`",
        key,
        service.note(language),
    ]


def _host(address: str) -> str:
    return address.removeprefix("https://").split("/")[0]


if __name__ == "__main__":
    for language, path in PAGES.items():
        path.write_text(with_table(path.read_text("utf-8"), language), "utf-8")
