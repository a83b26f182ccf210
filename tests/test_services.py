"""The file of known services, and the tables in the README that are made from it."""

from urllib.parse import urlsplit

import pytest

from chatbot.addresses import base_urls
from chatbot.endpoints import is_loopback
from chatbot.services import Service, service_at, services
from scripts.services import README, table, with_tables


@pytest.mark.parametrize("service", services(), ids=lambda service: service.name)
def test_a_service_is_found_by_its_host_and_tried_at_its_own_path(service: Service) -> None:
    parts = urlsplit(service.base_url)
    assert not service.base_url.endswith("/")
    assert parts.scheme == ("http" if is_loopback(parts.hostname or "") else "https")
    assert (service.key_from is None) == (parts.scheme == "http")
    assert service.en and service.zh
    if service.hosts:
        assert service_at(service.base_url) is service
    assert base_urls(parts.netloc)[0] == service.base_url


def test_a_host_that_only_looks_like_a_service_is_none() -> None:
    for address in ("https://api.openai.com.example.org/v1", "https://example.org/api.openai.com"):
        assert service_at(address) is None


def test_the_readme_has_the_tables_of_this_file() -> None:
    readme = README.read_text("utf-8")
    assert table("en") in readme and table("zh") in readme
    assert with_tables(readme) == readme
