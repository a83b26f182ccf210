"""Write the tables of known services in README.md anew: `python -m scripts.services`."""

import re
from pathlib import Path

from chatbot.services import Service, services

README = Path(__file__).parents[1] / "README.md"

HEADS = {
    "en": ("Service", "Base URL", "Key from", "Good to know", "none needed"),
    "zh": ("服务", "地址", "密钥", "说明", "无需"),
}


def table(language: str) -> str:
    """The table in `en` or `zh`, as Markdown."""
    *heads, no_key = HEADS[language]
    rows = [heads, ["---"] * len(heads), *(_row(one, language, no_key) for one in services())]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def with_tables(readme: str) -> str:
    """A text with the tables between its marks `<!-- services:en -->` and `<!-- end -->`."""
    for language in HEADS:
        mark = f"<!-- services:{language} -->"
        readme = re.sub(
            rf"{mark}.*?<!-- end -->",
            lambda _, mark=mark, language=language: f"{mark}\n\n{table(language)}\n\n<!-- end -->",  # type: ignore[misc]
            readme,
            flags=re.DOTALL,
        )
    return readme


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
    README.write_text(with_tables(README.read_text("utf-8")), "utf-8")
