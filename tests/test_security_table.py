"""SECURITY.md: every test that it names exists."""

import re

from tests.conftest import ROOT


def test_every_row_has_a_proof_and_every_proof_is_a_test() -> None:
    table = (ROOT / "SECURITY.md").read_text("utf-8")
    rows = re.findall(r"^\| (?!What could)(.+) \| (.+) \| (.+) \|$", table, re.MULTILINE)
    assert len(rows) > 10
    for _threat, _defence, proofs in rows:
        named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", proofs)
        assert named, proofs
        for file, name in named:
            source = (ROOT / "tests" / file).read_text("utf-8")
            assert f"def {name}(" in source, f"{file}::{name}"
