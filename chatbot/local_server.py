"""The built-in model's process: llama.cpp's own OpenAI-compatible server on loopback.

Run by `local_model.py` as a script, so that a crash in native code cannot take
the app with it. Takes the path of a GGUF file and the name to serve it under;
reads the API key from the first line of standard input; writes its address as
the only line of standard output. It ends when standard input closes, which the
system sees to even if the app is killed.
"""

import os
import sys
import threading

CONTEXT_TOKENS = 8192
"""SmolLM2's context window, shared by all who ask at once."""

PARALLEL_ANSWERS = 4

BATCH_TOKENS = 512
"""What is read of a prompt at a time, after which it says how far it is and other answers get their
turn. llama.cpp works in pieces of this size anyway; its own 2,048 held up everybody for long."""

PROMPT_CACHE_MIB = 64

REPEAT_PENALTY, REPEAT_TOKENS = 1.1, 256
"""So small a model falls into saying one thing for ever: asked eight times for something long, it
ended two answers by itself within 1,500 tokens, with this all eight."""

LIBRARY_MISSING = 78
"""The exit code where the system lacks a library, such as libgomp on a bare Debian. No other end
of a process has it: sysexits.h calls it EX_CONFIG."""


def serve(weights: str, name: str, api_key: str) -> None:
    """Load the model, say where it listens, and serve it for good."""
    try:
        import xllamacpp
    except ImportError as error:
        print(error, file=sys.stderr)
        sys.exit(LIBRARY_MISSING)

    parameters = xllamacpp.CommonParams()
    parameters.model.path = weights
    parameters.model_alias = {name}  # else it would call itself by the path
    parameters.api_keys = [api_key]
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0  # any free one
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.n_parallel = PARALLEL_ANSWERS
    parameters.n_batch = BATCH_TOKENS
    parameters.kv_unified = True
    parameters.cache_ram_mib = PROMPT_CACHE_MIB
    parameters.sampling.min_p = 0.2  # so small a model rambles less without unlikely words
    parameters.sampling.penalty_repeat = REPEAT_PENALTY
    parameters.sampling.penalty_last_n = REPEAT_TOKENS
    parameters.endpoint_slots = False  # it would show everyone's prompts
    parameters.ui = False
    parameters.verbosity = -1
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    threading.Event().wait()


def exit_with_standard_input() -> None:
    """End at once when the app closes our standard input, or has gone."""
    sys.stdin.read()
    os._exit(0)  # the server's destructor would wait for the answers under way


if __name__ == "__main__":
    key = sys.stdin.readline().strip()
    threading.Thread(target=exit_with_standard_input, daemon=True).start()
    serve(weights=sys.argv[1], name=sys.argv[2], api_key=key)
