"""The file of known services, and the tables in docs/ that are generated from it."""

from urllib.parse import urlsplit

import pytest

from chatbot.connection_check.presets import Service, service_at, services
from chatbot.connection_check.url_candidates import base_urls
from chatbot.llm.networks import is_loopback
from scripts.services import PAGES, table, with_table


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


@pytest.mark.parametrize("language", PAGES)
def test_the_documentation_has_the_table_of_this_file(language: str) -> None:
    page = PAGES[language].read_text("utf-8")
    assert table(language) in page
    assert with_table(page, language) == page
