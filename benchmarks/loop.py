"""Blocking of the server's event loop while hostile answers of 200 kB are drawn.

    .venv/bin/python -m benchmarks.loop [plain|deploy] [SHAPE …]

A visitor asks, and the answer is each of the texts of `benchmarks.drawing`; then the page draws it
again from the database. Meanwhile a task on the server's loop wakes every 10 ms. Printed for each
shape are the longest time between two wakings, the longest CPU time of the loop's own thread
between two, and the longest CPU time of a garbage collection, for which all threads wait. The rest
of a gap is waiting for threads that draw, 5 ms each time, and for other programs on this machine.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from benchmarks.drawing import LARGE, shapes
from tests.conftest import ROOT, free_port
from tests.protocol import rerun, visit
from tests.servers.endpoint import FakeEndpoint, Reply

HEARTBEAT = """
import asyncio, gc, os, time
from streamlit.runtime.runtime import Runtime
start = Runtime.start
began = collected = 0

def collecting(phase, info):
    global began, collected
    if phase == "start":
        began = time.thread_time()
    else:
        collected = max(collected, time.thread_time() - began)

gc.callbacks.append(collecting)

async def beat():
    global collected
    wall, cpu = time.perf_counter(), time.thread_time()
    with open(os.environ["HEARTBEATS"], "a", buffering=1) as file:
        while True:
            await asyncio.sleep(0.01)
            now, used = time.perf_counter(), time.thread_time()
            if now - wall > 0.02 or used - cpu > 0.01:
                file.write(f"{time.time()} {now - wall - 0.01} {used - cpu} {collected}\\n")
                collected = 0
            wall, cpu = time.perf_counter(), time.thread_time()

async def start_with_beat(self):
    await start(self)
    self.beating = asyncio.create_task(beat())

Runtime.start = start_with_beat
"""
"""Loaded into the server as `sitecustomize`. Writes for each late waking: when, wall and CPU
seconds, and the longest collection since the last."""


async def measure(url: str, endpoint: FakeEndpoint, beats: Path, names: list[str]) -> None:
    """Ask once for each shape, and print how long the loop was blocked meanwhile."""
    for name in ["'a'", *names]:
        text = shapes()[name](LARGE)
        pieces = [text[begin : begin + 2000] for begin in range(0, LARGE, 2000)]
        endpoint.default_reply = Reply(pieces)
        async with visit(url) as page:
            began = time.time()
            await page.ask("Hi")
            await page.read_until(lambda message: message.WhichOneof("type") == "script_finished")
            for _ in range(2):
                await page.socket.send_bytes(rerun(page.script_hash))
                await page.read_until(
                    lambda message: message.WhichOneof("type") == "script_finished"
                )
            seconds = time.time() - began
        lines = [list(map(float, line.split())) for line in beats.read_text().splitlines()]
        late = [line for line in lines if line[0] >= began]
        walls = sorted((line[1] for line in late), reverse=True) or [0.0]
        cpu, collected = (max((line[at] for line in late), default=0.0) for at in (2, 3))
        over = sum(wall > 0.1 for wall in walls)
        print(
            f"{seconds:6.1f} s, longest gap {walls[0]:.3f} s ({over} over 0.1 s),"
            f" loop's own CPU {cpu:.3f} s, collection {collected:.3f} s: {name}",
            flush=True,
        )


def main() -> None:
    """Start a server with the heartbeat, and measure all shapes or those that are named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("server", nargs="?", choices=["plain", "deploy"], default="plain")
    parser.add_argument("shapes", nargs="*", metavar="SHAPE", default=list(shapes()))
    chosen = parser.parse_args()
    script = {"plain": "streamlit_app.py", "deploy": "deploy/server.py"}[chosen.server]
    endpoint = FakeEndpoint().start()
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        (folder / "sitecustomize.py").write_text(HEARTBEAT)
        beats = folder / "beats"
        environment = {
            **os.environ,
            "PYTHONPATH": str(folder),
            "HEARTBEATS": str(beats),
            "HOME": name,
            "OPENAI_BASE_URL": endpoint.base_url,
            "OPENAI_API_KEY": "none",
            "CHATBOT_DATABASE_URL": f"sqlite:///{folder}/chatbot.db",
            "CHATBOT_VISITOR_LIMITS": "1000 questions per minute",
            "CHATBOT_SITE_LIMITS": "1000 questions per minute",
            "CHATBOT_ANSWER_LIMITS": "1000000 tokens, 10 minutes",
        }
        arguments = ["--server.port", str(port), "--server.address", "127.0.0.1"]
        arguments += ["--server.headless", "true", "--server.fileWatcherType", "none"]
        command = [sys.executable, "-m", "streamlit", "run", str(ROOT / script), *arguments]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            asyncio.run(_wait_for(f"http://127.0.0.1:{port}"))
            url = f"http://127.0.0.1:{port}"
            asyncio.run(measure(url, endpoint, beats, chosen.shapes))
        finally:
            server.terminate()
            server.wait()
            endpoint.stop()


async def _wait_for(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"{url}/_stcore/health") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)


if __name__ == "__main__":
    main()
