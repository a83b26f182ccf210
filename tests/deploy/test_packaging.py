"""The files of `deploy/` for other programs: their commands and settings really work."""

import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from chatbot.access.visitor import SECURE_COOKIE
from tests.conftest import ROOT, RunningApp, free_port, wait_until
from tests.deploy.test_server import SERVER, fetch, get
from tests.servers.endpoint import FakeEndpoint, Reply
from tests.servers.nginx import Nginx

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
LOCK = (DEPLOY / "requirements.lock").read_text("utf-8")


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} +(.*)$", DOCKERFILE, re.MULTILINE)


def runnable(tmp_path: Path, port: int) -> dict[str, str]:
    """An environment in which `streamlit` and `python` are those of the tests."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    # A narrow terminal, in which `ps` would cut the command that it is asked for.
    return {
        **os.environ,
        "COLUMNS": "20",
        "PATH": path,
        "PORT": str(port),
        "CHATBOT_RUN_FOLDER": str(tmp_path),
    }


def test_the_server_is_started_in_the_background_and_stopped_by_one_script(
    tmp_path: Path,
) -> None:
    port = free_port()
    environment = runnable(tmp_path / "run", port) | {"STREAMLIT_SERVER_ADDRESS": "127.0.0.1"}

    def run(what: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [DEPLOY / "run.sh", what], env=environment, capture_output=True, text=True
        )

    assert run("status").returncode == 1
    try:
        started = run("start")
        assert started.returncode == 0, started.stderr
        assert f"port {port}" in started.stdout
        pid = (tmp_path / "run" / "chatbot.pid").read_text()
        assert get(f"http://127.0.0.1:{port}/").status == 200
        assert run("status").returncode == 0
        assert run("start").stdout.startswith("It runs already")
        assert (tmp_path / "run" / "chatbot.pid").read_text() == pid
        del environment["PORT"]  # which is not said again
        assert f"port {port}" in run("status").stdout
        assert f"port {port}" in run("restart").stdout
        pid = (tmp_path / "run" / "chatbot.pid").read_text()
        assert get(f"http://127.0.0.1:{port}/").status == 200
    finally:
        stopped = run("stop")
    assert stopped.returncode == 0
    assert run("status").returncode == 1
    assert not Path(f"/proc/{pid.strip()}/cmdline").exists()


def test_a_server_that_runs_with_a_setting_that_does_not_fit_says_so(tmp_path: Path) -> None:
    environment = runnable(tmp_path / "run", free_port()) | {"CHATBOT_TEMPERATURE": "hot"}
    (tmp_path / "run").mkdir()
    log = tmp_path / "run" / "chatbot.log"
    log.write_text("Long ago\n" * 1_200_000)

    def run(what: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [DEPLOY / "run.sh", what], env=environment, capture_output=True, text=True
        )

    try:
        started = run("start")
    finally:
        run("stop")
    assert started.returncode == 0
    assert "something is wrong" in started.stderr and "CHATBOT_TEMPERATURE" in started.stderr
    assert "Long ago" not in log.read_text()
    assert (tmp_path / "run" / "chatbot.log.1").read_text().startswith("Long ago")


def test_a_port_that_cannot_be_had_is_said_so(tmp_path: Path, endpoint: FakeEndpoint) -> None:
    taken = int(re.findall(r":(\d+)", endpoint.base_url)[-1])
    environment = runnable(tmp_path / "run", taken) | {"STREAMLIT_SERVER_ADDRESS": "127.0.0.1"}
    failed = subprocess.run([DEPLOY / "run.sh"], env=environment, capture_output=True, text=True)
    assert failed.returncode == 1
    assert f"Port {taken} is not available" in failed.stderr


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("Dockerfile", 'CMD ["deploy/run.sh", "foreground"]'),
        ("chatbot.service", "ExecStart=/opt/chatbot/deploy/run.sh foreground"),
    ],
)
def test_there_is_one_place_for_the_command(file: str, command: str) -> None:
    content = (DEPLOY / file).read_text("utf-8")
    assert command in content
    assert "streamlit run" not in content


def test_the_image_has_all_that_the_app_needs_and_no_more(
    tmp_path: Path, endpoint: FakeEndpoint
) -> None:
    image, data = tmp_path / "image", tmp_path / "data"
    data.mkdir()
    allowed = [
        line[1:]
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text().split()
        if line.startswith("!")
    ]
    for copy in instructions("COPY"):
        *sources, target = copy.split()
        for source in sources:
            assert any(source == name or source.startswith(f"{name}/") for name in allowed)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, image / target, dirs_exist_ok=True)
            else:
                (image / target).mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, image / target)
    assert not list(image.rglob(".env")) + list(image.rglob("secrets.toml"))
    # Also of whoever has put theirs beside the compose file, as its first lines say.
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    assert ignored.index("!deploy") < ignored.index("**/.env")
    assert "**/secrets.toml" in ignored[ignored.index("**/.env") :]

    port = free_port()
    variables = dict(pair.split("=", 1) for line in instructions("ENV") for pair in line.split())
    variables = {name: value.replace("/data", str(data)) for name, value in variables.items()}
    environment = runnable(tmp_path, port) | variables | {"PORT": str(port)}
    environment |= {"OPENAI_BASE_URL": endpoint.base_url, "STREAMLIT_SERVER_ADDRESS": "127.0.0.1"}
    del environment["CHATBOT_DATABASE_URL"]
    [check] = re.findall(r"HEALTHCHECK .*CMD (\[.*\])", DOCKERFILE)
    check_command = [part.replace(":8501", f":{port}") for part in json.loads(check)]

    def is_healthy() -> bool:
        checked = subprocess.run(check_command, env=environment, capture_output=True)
        return checked.returncode == 0

    assert not is_healthy()
    process = subprocess.Popen(json.loads(instructions("CMD")[-1]), cwd=image, env=environment)
    try:
        wait_until(is_healthy, seconds=60)
        assert get(f"http://127.0.0.1:{port}/healthz").status == 200
        assert (data / "chatbot" / "chatbot.db").exists()
    finally:
        process.terminate()
        process.wait(20)


def test_the_image_is_not_run_by_root_and_installs_the_lock() -> None:
    assert instructions("USER") == ["1000:1000"]
    assert any(
        "--require-hashes -r deploy/requirements.lock" in line for line in instructions("RUN")
    )


def test_the_lock_has_one_hashed_version_of_everything_required_and_no_address() -> None:
    locked: dict[str, list[str]] = {}
    for line in LOCK.replace("\\\n", " ").splitlines():
        if not line.startswith("#"):
            requirement = Requirement(line.split(" --hash")[0])
            locked.setdefault(canonicalize_name(requirement.name), []).append(
                str(requirement.specifier).removeprefix("==")
            )
            assert "--hash=sha256:" in line
    for file in (ROOT / "requirements.txt", DEPLOY / "requirements.txt"):
        for line in file.read_text("utf-8").splitlines():
            wanted = line.split("#")[0].strip()
            if wanted and not wanted.startswith("-r"):
                requirement = Requirement(wanted)
                name = canonicalize_name(requirement.name)
                assert name in locked, f"{name} is not locked: run scripts/lock.sh"
                versions = locked[name]
                assert all(requirement.specifier.contains(version) for version in versions), wanted
    assert "://" not in LOCK


def test_the_containers_fit_together() -> None:
    single = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    several = yaml.safe_load((DEPLOY / "compose.replicas.yaml").read_text("utf-8"))
    nginx = (DEPLOY / "nginx-replicas.conf").read_text("utf-8")
    for service in (single["services"]["app"], several["services"]["app1"]):
        build = service["build"]
        assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
        assert "/data" in service["volumes"][0].split(":")
        # PORT in .env is where nginx, or the one container, is reached from outside.
        assert f"EXPOSE {service['environment']['PORT']}" in DOCKERFILE
    upstreams = re.findall(r"server (\w+):8501", nginx)
    assert upstreams == [name for name in several["services"] if name.startswith("app")]
    for name in upstreams:  # which nginx looks for only when it starts
        assert several["services"]["nginx"]["depends_on"][name]["restart"] is True
    [mounted] = several["services"]["nginx"]["volumes"]
    assert (DEPLOY / mounted.split(":")[0]).is_file()
    for compose in (single, several):
        used = {
            volume.split(":")[0]
            for service in compose["services"].values()
            for volume in service["volumes"]
        }
        assert {name for name in used if not name.startswith(".")} == set(compose["volumes"])


def test_behind_nginx_the_page_opens_before_there_is_a_certificate_and_with_it(
    run_app: Callable[..., RunningApp], endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("chat.example.org")
    key = tmp_path / "key.pem"
    chain = tmp_path / "chain.pem"
    certificate.private_key_pem.write_to_path(key)
    for part in certificate.cert_chain_pems:
        part.write_to_path(chain, append=True)
    app = run_app(OPENAI_BASE_URL=endpoint.base_url)
    app.stop()
    app.script = SERVER
    app.start()
    plain, secure = free_port(), free_port()
    folder = tmp_path / "nginx"
    folder.mkdir()
    replaced = {
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen [::]:80;": "",
        "127.0.0.1:8501": f"127.0.0.1:{app.port}",
    }
    nginx = Nginx("nginx-site.conf", folder, plain, replaced)
    try:
        unencrypted = http.client.HTTPConnection("127.0.0.1", plain, timeout=20)
        unencrypted.request("GET", "/?c=1", headers={"Host": "chat.example.org"})
        response = unencrypted.getresponse()
        assert response.status == 200
        assert "Secure" not in response.headers["Set-Cookie"]
        unencrypted.close()
    finally:
        nginx.stop()
    assert "c=1" not in (folder / "chatbot.log").read_text()
    # certbot adds these lines.
    of_certbot = f"ssl; ssl_certificate {chain}; ssl_certificate_key {key};"
    replaced["listen 80;"] = f"listen 127.0.0.1:{secure} {of_certbot}"
    nginx = Nginx("nginx-site.conf", folder, secure, replaced)
    try:
        trusting = ssl.create_default_context()
        authority.configure_trust(trusting)
        connection = _Named("127.0.0.1", secure, context=trusting, timeout=20)
        connection.request("GET", "/", headers={"Host": "chat.example.org"})
        response = connection.getresponse()
        assert response.status == 200
        cookie = response.headers["Set-Cookie"]
        assert cookie.startswith(f"{SECURE_COOKIE}=") and "Secure" in cookie
        connection.close()
    finally:
        nginx.stop()


class _Named(http.client.HTTPSConnection):
    """A connection to this machine that expects the certificate of another name."""

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        context: ssl.SSLContext = self._context  # type: ignore[attr-defined]
        self.sock = context.wrap_socket(self.sock, server_hostname="chat.example.org")


def test_ci_runs_every_kind_of_check_there_is() -> None:
    """Also the lowest allowed versions, and the audit, which changes while nothing here does."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    matrix = workflow["jobs"]["checks"]["strategy"]["matrix"]["include"]
    kinds = re.findall(r"^#   \.ci/run +(\w+)?  ", (ROOT / ".ci" / "run").read_text("utf-8"), re.M)
    assert {one["checks"] for one in matrix} == {kind or "all" for kind in kinds}
    assert set(kinds) == {"", "lowest", "audit"}
    assert workflow[True]["schedule"]  # YAML takes "on" for yes


def test_the_shell_scripts_have_no_slips() -> None:
    for script in (DEPLOY / "run.sh", ROOT / ".ci" / "run", *(ROOT / "scripts").glob("*.sh")):
        assert os.access(script, os.X_OK), script
        checked = subprocess.run(["bash", "-n", script], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr


def test_the_relay_passes_on_each_piece_at_once_and_only_for_the_app(
    endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    port = int(re.findall(r":(\d+)", endpoint.base_url)[-1])
    hold = threading.Event()
    endpoint.default_reply = Reply(["The first", " and the last"], hold=hold)
    relay = free_port()
    replaced = {
        "listen 80;": f"listen 127.0.0.1:{relay};",
        "listen [::]:80;": "",
        "https://api.openai.com": f"http://127.0.0.1:{port}",
    }

    def ask() -> http.client.HTTPResponse:
        body = json.dumps({"model": "m", "messages": []}).encode()
        url = f"http://127.0.0.1:{relay}/v1/chat/completions"
        headers = {"Authorization": "Bearer key", "Content-Type": "application/json"}
        return fetch(urllib.request.Request(url, body, headers))

    nginx = Nginx("nginx-relay.conf", tmp_path, relay, replaced)
    try:
        assert ask().status == 403
        assert get(f"http://127.0.0.1:{relay}/").status == 404
    finally:
        nginx.stop()
    assert endpoint.requests == []
    nginx = Nginx("nginx-relay.conf", tmp_path, relay, {**replaced, "203.0.113.7": "127.0.0.1"})
    try:
        with ask() as response:
            while b"The first" not in response.readline():  # the rest is not even written
                pass
            hold.set()
            assert b"and the last" in response.read()
        assert endpoint.headers[-1]["Authorization"] == "Bearer key"
        assert endpoint.headers[-1]["Host"] == "api.openai.com"
    finally:
        hold.set()
        nginx.stop()
