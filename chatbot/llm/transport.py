"""Connections to an endpoint: transport, proxy and timeouts."""

import urllib.request
from typing import TYPE_CHECKING, Any

from chatbot.llm import public_addresses, response_guard
from chatbot.llm.endpoint import Endpoint

if TYPE_CHECKING:
    import httpx2
    import openai  # slow to load, so only for the first request, as in client.py


def opened(endpoint: Endpoint) -> "openai.AsyncOpenAI":
    """Create a client for one endpoint; it connects with its first request.

    Timeouts and allowed addresses come from the endpoint. Redirects are not followed.
    """
    import openai

    async def raise_for_status(response: "httpx2.Response") -> None:
        await response_guard.raise_for_status(response, endpoint.silence_timeout_seconds)

    return openai.AsyncOpenAI(
        base_url=endpoint.base_url,
        # Self-hosted servers often need no key, but the client requires a value.
        api_key=endpoint.api_key or "none",
        max_retries=0,  # `retries.py` knows better after which failures a retry helps
        timeout=openai.Timeout(
            endpoint.silence_timeout_seconds, connect=endpoint.connect_timeout_seconds
        ),
        http_client=_http_client(
            endpoint,
            # A redirect would send the conversation, and perhaps the key, to another server.
            follow_redirects=False,
            # A compressed stream arrives in bursts, and a few bytes can expand to gigabytes.
            headers={"Accept-Encoding": "identity"},
            event_hooks={"response": [raise_for_status]},
        ),
    )


def hands_over_all_at_once(endpoint: Endpoint) -> bool:
    """Return True if waiting chunks are read in one piece; behind SOCKS they come one by one."""
    return not _is_behind_socks(endpoint)


def _http_client(endpoint: Endpoint, **options: Any) -> "httpx2.AsyncClient":
    # Without TLS there is nothing to verify, so certificates are not loaded.
    options["verify"] = not endpoint.base_url.startswith("http://")
    if endpoint.is_byok:
        options["transport"] = _public_transport(options["verify"])
    # Proxy variables would send even loopback traffic to the proxy. A visitor's server must not
    # be reached through a proxy, because the proxy would connect to any address.
    options["trust_env"] = _may_use_proxies(endpoint)
    return _transport(endpoint)(**options)


def _transport(endpoint: Endpoint) -> "type[httpx2.AsyncClient]":
    """Return the faster transport, or httpx behind a SOCKS proxy, which aiohttp lacks."""
    import openai

    if _is_behind_socks(endpoint):
        return openai.DefaultAsyncHttpxClient
    return openai.DefaultAioHttpClient


def _is_behind_socks(endpoint: Endpoint) -> bool:
    proxies = urllib.request.getproxies() if _may_use_proxies(endpoint) else {}
    return any(proxy.startswith("socks") for proxy in proxies.values())


def _may_use_proxies(endpoint: Endpoint) -> bool:
    return not (endpoint.is_on_this_machine or endpoint.is_byok)


def _public_transport(verify: bool) -> "httpx2.AsyncBaseTransport":
    """Create the faster transport with a check of each address before it connects."""
    import aiohttp

    # The library has no public way to give its transport a connector.
    from openai._vendor.httpx_aiohttp.transport import AiohttpTransport

    transport = AiohttpTransport(verify=verify, trust_env=False)
    transport.client = lambda: aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=transport.ssl_context, socket_factory=public_addresses.public_socket
        )
    )
    return transport
