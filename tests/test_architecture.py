"""Who may import what: arrows point one way, and heavy libraries wait until they are needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOADED_LATER = {"openai", "xllamacpp", "aiohttp", "alembic", "playwright", "pandas", "numpy"} | {
    "authlib",
    "httpx",
}


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports anywhere in it, `from chatbot import store` included."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            modules.add(str(node.module))
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    return modules


IMPORTS = {
    path.relative_to(ROOT).as_posix(): imports_of(path)
    for path in sorted((ROOT / "chatbot").rglob("*.py"))
}


def importers_of(package: str) -> set[str]:
    return {
        name
        for name, modules in IMPORTS.items()
        if any(module == package or module.startswith(f"{package}.") for module in modules)
    }


def is_drawing(name: str) -> bool:
    return name.startswith("chatbot/ui/")


@pytest.mark.parametrize("package", ["streamlit", "chatbot.ui"])
def test_only_the_parts_that_draw_import_what_draws(package: str) -> None:
    importers = importers_of(package)
    assert importers
    assert {name for name in importers if not is_drawing(name)} == set()


@pytest.mark.parametrize(
    ("library", "owner"),
    [("openai", ("client.py", "connection.py")), ("sqlalchemy", "store/"), ("alembic", "store/")],
)
def test_a_library_is_imported_by_its_owner_alone(
    library: str, owner: str | tuple[str, ...]
) -> None:
    importers = importers_of(library)
    assert importers
    modules = {name.removeprefix("chatbot/") for name in importers}
    assert {name for name in modules if not name.startswith(owner)} == set()


def test_the_client_and_the_store_know_nothing_of_each_other() -> None:
    assert "chatbot/client.py" not in importers_of("chatbot.store")
    assert not any(name.startswith("chatbot/store/") for name in importers_of("chatbot.client"))


def test_opening_the_page_loads_nothing_heavy() -> None:
    page = ast.parse((ROOT / "streamlit_app.py").read_text("utf-8"))
    imports = [
        ast.unparse(node) for node in page.body if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    report = f"import sys; print(*sorted({LOADED_LATER} & set(sys.modules)))"
    loaded = subprocess.run(
        [sys.executable, "-c", "\n".join([*imports, report])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.split() == []
