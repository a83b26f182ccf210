"""Allowed imports: only from upper to lower layers, no circles, heavy libraries only if needed."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOADED_LATER = {"openai", "xllamacpp", "aiohttp", "alembic", "playwright", "pandas", "numpy"} | {
    "authlib",
    "httpx",
}

LAYERS = """
ui.pages ui.sidebar
ui.chat
ui
ui.frontend ui.client
ui.session
check password
__main__
settings
answers
connection_check
exchange
limits
access
models
builtin
store
llm
errors
error_details
markdown
markdown.splitting
markdown.syntax
markdown.formulas markdown.pictures
i18n background redaction bounded_dict
"""
"""Packages and modules below `chatbot`, from top to bottom: each may import what is below it."""

LAYER = {
    name: -number
    for number, line in enumerate(LAYERS.strip().splitlines())
    for name in line.split()
}
MOST_MODULES = {"": 9, "store": 22}
"""In a folder; in any other about a dozen."""


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports anywhere in it, `from chatbot import store` included."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            modules |= {name if is_module(name) else str(node.module) for name in names}
    return modules


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


IMPORTS = {
    path.relative_to(ROOT).as_posix(): imports_of(path)
    for path in sorted((ROOT / "chatbot").rglob("*.py"))
}


def module_name(path: str) -> str:
    """`llm.sse` for chatbot/llm/sse.py, `store` for chatbot/store/__init__.py."""
    name = path.removeprefix("chatbot/").removesuffix(".py").replace("/", ".")
    return name.removesuffix("__init__").rstrip(".")


MODULES = {module_name(path) for path in IMPORTS}
USES = {
    module_name(path): {
        name
        for name in (module.removeprefix("chatbot.") for module in modules)
        if name in MODULES and name != module_name(path)
    }
    for path, modules in IMPORTS.items()
    if module_name(path)
}


def package_of(module: str) -> str:
    """The entry of LAYERS that a module belongs to: the longest that fits."""
    parts = module.split(".")
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next(name for name in names if name in LAYER)


def importers_of(package: str) -> set[str]:
    return {
        name
        for name, modules in IMPORTS.items()
        if any(module == package or module.startswith(f"{package}.") for module in modules)
    }


def test_no_import_points_upwards() -> None:
    upwards = [
        f"{module} imports {used}"
        for module, all_used in USES.items()
        for used in all_used
        if package_of(module) != package_of(used)
        and LAYER[package_of(module)] <= LAYER[package_of(used)]
    ]
    assert upwards == []


def test_no_imports_go_in_a_circle() -> None:
    left = {module: set(used) for module, used in USES.items()}
    while free := {module for module, used in left.items() if not used & left.keys()}:
        left = {module: used for module, used in left.items() if module not in free}
    assert left == {}


def test_every_package_is_in_the_list_and_none_is_crowded() -> None:
    counts: dict[str, int] = {}
    for path in IMPORTS:
        folder = path.removeprefix("chatbot/").rpartition("/")[0].replace("/", ".")
        if not folder.startswith("store.migrations"):
            counts[folder] = counts.get(folder, 0) + (not path.endswith("__init__.py"))
    crowded = {name: count for name, count in counts.items() if count > MOST_MODULES.get(name, 15)}
    assert crowded == {}


@pytest.mark.parametrize("package", ["streamlit", "chatbot.ui"])
def test_only_the_parts_that_draw_import_what_draws(package: str) -> None:
    importers = importers_of(package)
    assert importers
    assert {name for name in importers if not name.startswith("chatbot/ui/")} == set()


def test_the_state_of_a_session_is_touched_in_two_modules_only() -> None:
    """Everything else asks `page_state()`, or `widgets` for what Streamlit keeps."""
    touching = {
        path.relative_to(ROOT).as_posix()
        for path in [ROOT / "streamlit_app.py", *(ROOT / "chatbot").rglob("*.py")]
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if "session_state" in (getattr(node, "attr", ""), getattr(node, "id", ""))
        or (isinstance(node, ast.alias) and node.name == "session_state")
    }
    assert touching == {"chatbot/ui/session/state.py", "chatbot/ui/session/widgets.py"}


@pytest.mark.parametrize(
    ("library", "owner"),
    [
        ("openai", "llm/"),
        ("sqlalchemy", "store/"),
        ("alembic", "store/"),
        ("markdown_it", "markdown/"),
    ],
)
def test_a_library_is_imported_by_its_owner_alone(library: str, owner: str) -> None:
    importers = importers_of(library)
    assert importers
    modules = {name.removeprefix("chatbot/") for name in importers}
    assert {name for name in modules if not name.startswith(owner)} == set()


def test_the_client_and_the_store_know_nothing_of_each_other() -> None:
    assert not any(used.startswith("store") for used in USES["llm.client"])
    users = {module for module, used in USES.items() if "llm.client" in used}
    assert users
    assert not any(module.startswith("store") for module in users)


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


def test_drawing_the_page_loads_nothing_heavy(empty_machine: Path) -> None:
    """Not even what Streamlit loads by itself, such as pandas for some values of its elements."""
    draw = f"import runpy; runpy.run_path({str(ROOT / 'streamlit_app.py')!r})"
    heavy = {"numpy", "pandas", "pyarrow", "openai"}
    drawn = subprocess.run(
        [sys.executable, "-c", f"{draw}; import sys; print(*sorted({heavy} & set(sys.modules)))"],
        cwd=empty_machine,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert drawn.stdout.split() == []
