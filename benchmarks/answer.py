"""The streamed answer of all benchmarks: Markdown with prose, lists, code and tables."""

CHUNK_CHARACTERS = 4
CHUNKS = 2000

START = "Beginning."
END = "Finished."

_SECTION = """
## Section {number}

A paragraph of **plain prose** with some `code` in it, long enough to wrap over two or three
lines on a phone, and with a [link](https://example.org/{number}) near its end.

1. First point, in a few words.
2. Second point, with *emphasis*.

```python
def section_{number}(values: list[int]) -> int:
    return sum(value * {number} for value in values)
```

| Name | Value |
|------|-------|
| row  | {number}     |
| next | 42    |
"""


def text() -> str:
    """Return just under CHUNKS x CHUNK_CHARACTERS characters, from START to END."""
    size = CHUNKS * CHUNK_CHARACTERS
    body = "".join(_SECTION.format(number=number) for number in range(100))
    head = f"{START}\n"
    tail = f"\n\n{END}"
    return head + body[: body.rindex("\n\n", 0, size - len(head) - len(tail))] + tail


def chunks() -> list[str]:
    """Return the answer in pieces of four characters."""
    whole = text()
    return [
        whole[begin : begin + CHUNK_CHARACTERS] for begin in range(0, len(whole), CHUNK_CHARACTERS)
    ]
