"""Test processes that run a module like `python -m`, but start with a tenth of the CPU time.

Loading Streamlit and the app takes 3 s of CPU time. One process loads both and is forked for each
process that a test needs. Each fork has its own memory, folder, environment and output, and can be
killed without effect on other forks. On systems without fork (Windows), each process loads
everything itself.
"""

import atexit
import contextlib
import multiprocessing
import os
import runpy
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.forkserver import ensure_running, set_forkserver_preload
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pytest

ROOT = Path(__file__).parents[2]
T = TypeVar("T")
CAN_FORK = "forkserver" in multiprocessing.get_all_start_methods()
CONTEXT: Any = multiprocessing.get_context("forkserver" if CAN_FORK else "spawn")


def run_module(
    name: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], output: Path
) -> BaseProcess:
    """Run a module in a folder, with just this environment; what it prints is added to a file."""
    task = (name, list(arguments), str(folder), dict(environment), str(output))
    process: BaseProcess = CONTEXT.Process(target=_run, args=task, daemon=True)
    with _ready_to_start():
        process.start()
    return process


def call_at_once(function: Callable[..., T], *arguments: Any, times: int) -> list[T]:
    """Call a function in several processes at the same moment; returns the results of all."""
    with _ready_to_start():
        barrier = CONTEXT.Barrier(times)
        with CONTEXT.Pool(times, _wait_for_all_in, (barrier,)) as pool:
            results: list[T] = pool.starmap(_call, [(function, arguments)] * times, chunksize=1)
            return results


@contextlib.contextmanager
def _ready_to_start() -> Iterator[None]:
    """Prepare multiprocessing for new processes.

    A new process first runs what is the main module here. AppTest leaves the app's script there,
    which would read the settings of this process, not those of its own environment.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", ModuleType("__main__"))
        if CAN_FORK:  # start the process that is forked, unless there is one
            set_forkserver_preload(["tests.servers.loaded"])
            # It does not take over sys.path before Python 3.13.
            patch.setenv("PYTHONPATH", str(ROOT))
            ensure_running()
        yield


_barrier: Any = None


def _wait_for_all_in(barrier: Any) -> None:
    global _barrier
    _barrier = barrier


def _call(function: Callable[..., T], arguments: Sequence[Any]) -> T:
    _barrier.wait(60)
    return function(*arguments)


def _run(
    name: str, arguments: list[str], folder: str, environment: dict[str, str], output: str
) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)
    sys.argv = [name, *arguments]
    try:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # a process of multiprocessing ends without them
