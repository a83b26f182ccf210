"""The real nginx with a configuration of `deploy/`, on free ports."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT, wait_until

TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def find_nginx() -> str:
    """Debian has it where only the administrator's PATH leads."""
    path = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        reason = "no nginx found"
        if os.environ.get("CHATBOT_TEST_NO_SKIP"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


class Nginx:
    """Runs a file of `deploy/` with some words replaced by others."""

    def __init__(self, name: str, folder: Path, port: int, replaced: dict[str, str]) -> None:
        self.folder = folder
        configuration = (ROOT / "deploy" / name).read_text("utf-8")
        for old, new in replaced.items():
            assert old in configuration, old
            configuration = configuration.replace(old, new)
        configuration = configuration.replace("/var/log/nginx", str(folder))
        if "http {" not in configuration:  # one that is included
            configuration = f"events {{}}\nhttp {{\n{configuration}\n}}"
        paths = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in TEMPORARY)
        configuration = configuration.replace("http {", f"http {{\n{paths}", 1)
        file = folder / "nginx.conf"
        user = "user root;" if os.getuid() == 0 else ""  # only this user may enter the folder
        file.write_text(f"{user} pid {folder}/nginx.pid;\ndaemon off;\n{configuration}", "utf-8")
        command = [find_nginx(), "-p", str(folder), "-c", str(file), "-e", f"{folder}/error.log"]
        tested = subprocess.run([*command, "-t"], capture_output=True, text=True)
        assert tested.returncode == 0, tested.stderr
        self._process = subprocess.Popen(command)
        wait_until(lambda: _listens(port))

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
