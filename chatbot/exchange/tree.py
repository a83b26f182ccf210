"""Trees of messages, mended: what a file says may dangle, go in circles or be out of order."""

import heapq
from collections.abc import Mapping, Sequence

from chatbot.store import Message


def mended(parents: Mapping[str, str | None]) -> dict[str, str | None]:
    """Each node's parent, where a missing one is None and no way leads back to itself."""
    whole = {node: parent if parent in parents else None for node, parent in parents.items()}
    checked: set[str] = set()
    for start in whole:
        path: set[str] = set()
        node: str | None = start
        last = start
        while node is not None and node not in checked:
            if node in path:
                whole[last] = None
                break
            path.add(node)
            last, node = node, whole[node]
        checked |= path
    return whole


def parents_first(messages: list[Message], arrivals: Sequence[float]) -> list[Message]:
    """Messages in the order of their arrivals, but never one before the one it follows."""
    places = {message.id: place for place, message in enumerate(messages)}
    followers: dict[int | None, list[int]] = {}
    for place, message in enumerate(messages):
        followers.setdefault(places.get(message.parent_id or ""), []).append(place)
    waiting = [(arrivals[place], place) for place in followers.get(None, [])]
    heapq.heapify(waiting)
    ordered = []
    while waiting:
        arrival, place = heapq.heappop(waiting)
        ordered.append(messages[place])
        for follower in followers.get(place, []):
            heapq.heappush(waiting, (max(arrival, arrivals[follower]), follower))
    return ordered
