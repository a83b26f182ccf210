"""The page's state for a session."""

import ast
import inspect
from dataclasses import fields

from streamlit.testing.v1 import AppTest

from chatbot.ui.session.state import PageState
from tests.conftest import ROOT, page_state
from tests.ui.test_page import ask


def test_every_field_says_what_it_holds() -> None:
    [described] = ast.parse(inspect.getsource(PageState)).body
    assert isinstance(described, ast.ClassDef)
    pairs = list(zip(described.body, described.body[1:], strict=False))
    documented = {
        ast.unparse(statement.target)
        for statement, after in pairs
        if isinstance(statement, ast.AnnAssign)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    }
    assert documented == {field.name for field in fields(PageState)}


def test_sessions_share_nothing_of_it(page: AppTest) -> None:
    ask(page.run(), "Hi!")
    other = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30).run()
    mine, theirs = page_state(page), page_state(other)
    assert mine.seen and theirs.seen is None
    assert mine.visitor_token != theirs.visitor_token
    for field in fields(PageState):
        kept = getattr(mine, field.name)
        if isinstance(kept, dict | set | list):
            assert getattr(theirs, field.name) is not kept
