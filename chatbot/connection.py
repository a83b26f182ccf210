"""Opening the connections to an endpoint: over which transport, through which proxy, how patiently.

With `client.py` the only module that uses `openai`, which `lean.py` loads.
"""

import urllib.request
from typing import TYPE_CHECKING, Any

from chatbot import bodies, public_network
from chatbot.endpoints import Endpoint

if TYPE_CHECKING:
    import httpx2
    import openai  # as in client.py: only once there is a server to talk to


def opened(endpoint: Endpoint) -> "openai.AsyncOpenAI":
    """A client for one endpoint, which connects with its first request.

    How long it waits, and where it may go, is the endpoint's; it follows no redirect.
    """
    import openai

    async def look_at(response: "httpx2.Response") -> None:
        await bodies.look_at(response, endpoint)

    return openai.AsyncOpenAI(
        base_url=endpoint.base_url,
        # Servers of one's own often take no key, but the client insists on one.
        api_key=endpoint.api_key or "none",
        max_retries=2,
        timeout=openai.Timeout(
            endpoint.silence_timeout_seconds, connect=endpoint.connect_timeout_seconds
        ),
        http_client=_http_client(
            endpoint,
            # A redirect would carry the conversation, and perhaps the key, elsewhere.
            follow_redirects=False,
            # Compressed, a stream comes in bursts, and a few bytes can become gigabytes.
            headers={"Accept-Encoding": "identity"},
            event_hooks={"response": [look_at]},
        ),
    )


def hands_over_all_at_once(endpoint: Endpoint) -> bool:
    """Whether what has come of an answer is read in one piece: through SOCKS chunks come alone."""
    return not _is_behind_socks(endpoint)


def _http_client(endpoint: Endpoint, **options: Any) -> "httpx2.AsyncClient":
    # Without TLS there is nothing to verify, so no authorities are loaded.
    options["verify"] = not endpoint.base_url.startswith("http://")
    if endpoint.is_visitors:
        options["transport"] = _public_transport(options["verify"])
    # Proxy variables would send even loopback traffic to the proxy; and nothing that a visitor
    # has named may go through a proxy, which would connect to anything.
    options["trust_env"] = _may_use_proxies(endpoint)
    return _transport(endpoint)(**options)


def _transport(endpoint: Endpoint) -> "type[httpx2.AsyncClient]":
    """The quicker transport, except where it cannot go: through a SOCKS proxy."""
    import openai

    if _is_behind_socks(endpoint):
        return openai.DefaultAsyncHttpxClient
    return openai.DefaultAioHttpClient


def _is_behind_socks(endpoint: Endpoint) -> bool:
    proxies = urllib.request.getproxies() if _may_use_proxies(endpoint) else {}
    return any(proxy.startswith("socks") for proxy in proxies.values())


def _may_use_proxies(endpoint: Endpoint) -> bool:
    return not (endpoint.is_on_this_machine or endpoint.is_visitors)


def _public_transport(verify: bool) -> "httpx2.AsyncBaseTransport":
    """The quicker transport, which looks at each address before it connects."""
    import aiohttp

    # The library has no public way to hand its own transport a connector.
    from openai._vendor.httpx_aiohttp.transport import AiohttpTransport

    transport = AiohttpTransport(verify=verify, trust_env=False)
    transport.client = lambda: aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=transport.ssl_context, socket_factory=public_network.public_socket
        )
    )
    return transport
