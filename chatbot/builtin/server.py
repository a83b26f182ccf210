"""The built-in model's process: llama.cpp's OpenAI-compatible server on loopback.

`model.py` runs this script, so that a crash in native code cannot end the app. Its arguments are
the path of a GGUF file and the name of the model. The script reads the API key from the first line
of standard input, and writes its address as the only line of standard output. It ends when
standard input closes, which the system does even if the app is killed.
"""

import os
import sys
import threading

CONTEXT_TOKENS = 8192
"""SmolLM2's context window, shared by all concurrent answers."""

PARALLEL_ANSWERS = 4

BATCH_TOKENS = 512
"""Tokens of a prompt read at a time; after each batch the server reports its progress and lets
other answers continue. llama.cpp's default of 2,048 blocks other answers for too long."""

PROMPT_CACHE_MIB = 64

REPEAT_PENALTY, REPEAT_TOKENS = 1.1, 256
"""Penalty against endless repetition, which so small a model is prone to: without it, six of eight
long answers did not end within 1,500 tokens; with it, all eight ended."""

LIBRARY_MISSING = 78
"""Exit code if the system lacks a library, such as libgomp on a minimal Debian. No other failure
uses this code, which sysexits.h calls EX_CONFIG."""


def serve(weights: str, name: str, api_key: str) -> None:
    """Load the model, print its address, and serve it until the process ends."""
    try:
        import xllamacpp
    except ImportError as error:
        print(error, file=sys.stderr)
        sys.exit(LIBRARY_MISSING)

    parameters = xllamacpp.CommonParams()
    parameters.model.path = weights
    parameters.model_alias = {name}  # the default name would be the path
    parameters.api_keys = [api_key]
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0  # any free port
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.n_parallel = PARALLEL_ANSWERS
    parameters.n_batch = BATCH_TOKENS
    parameters.kv_unified = True
    parameters.cache_ram_mib = PROMPT_CACHE_MIB
    parameters.sampling.min_p = 0.2  # a small model is more coherent without unlikely words
    parameters.sampling.penalty_repeat = REPEAT_PENALTY
    parameters.sampling.penalty_last_n = REPEAT_TOKENS
    parameters.endpoint_slots = False  # it would show all visitors' prompts
    parameters.ui = False
    parameters.verbosity = -1
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    threading.Event().wait()


def exit_with_standard_input() -> None:
    """Exit at once when the app closes this process's standard input, or ends."""
    sys.stdin.read()
    os._exit(0)  # the server's destructor would wait for running answers


if __name__ == "__main__":
    key = sys.stdin.readline().strip()
    threading.Thread(target=exit_with_standard_input, daemon=True).start()
    serve(weights=sys.argv[1], name=sys.argv[2], api_key=key)
