"""Model lists of several servers, each with its own names for the same data."""

from typing import Any

import pytest

from chatbot.llm.model_list import MAX_LISTED, chats, context_window, first_to_chat, listed


@pytest.mark.parametrize(
    ("entry", "tokens"),
    [
        ({"id": "m", "max_model_len": 4096}, 4096),  # vLLM
        ({"context_length": 128_000, "top_provider": {"context_length": 64_000}}, 128_000),
        ({"context_window": 131_072}, 131_072),  # Groq
        ({"max_context_length": 32_768, "loaded_context_length": 4096}, 4096),  # LM Studio
        ({"meta": {"n_ctx_train": 8192, "n_vocab": 49_152}}, 8192),  # llama.cpp
        ({"meta": {"n_ctx_train": 8192, "n_ctx": 2048}}, 2048),
        ({"id": "m"}, None),
        ({"context_length": "4096"}, None),
        ({"context_length": 0, "context_window": True, "meta": [8192]}, None),
    ],
)
def test_the_context_window_is_found(entry: dict[str, Any], tokens: int | None) -> None:
    assert context_window(entry) == tokens


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"object": "list", "data": [{"id": "a"}, {"id": "b"}]}, ["a", "b"]),
        ([{"id": "a"}, {"id": "b"}], ["a", "b"]),
        (["a", "b"], ["a", "b"]),
        ({"data": ["a", "b"]}, ["a", "b"]),
        ({"models": [{"name": "a", "model": "a"}, {"name": "b"}]}, ["a", "b"]),
        ({"models": ["a"], "data": [{"id": "b"}]}, ["b"]),  # llama.cpp has both
        ({"models": [{"name": "a"}], "data": []}, ["a"]),
        ({"code": 0, "data": {"data": [{"id": "a"}]}}, ["a"]),
        ([{"id": "a", "name": "The A"}, {"id": "a"}, "a", 7, None, {}, {"id": ""}], ["a"]),
        ({"result": {"models": ["a"]}}, ["a"]),
        ({"models": {"a": {"max_model_len": 1}, "b": None}}, ["a", "b"]),
        ({"data": {"a": {}}}, None),
        ({"models": {}}, None),
        ({"object": "list", "data": None}, []),
        ({"models": None}, []),
        ({"data": []}, []),
        ([], []),
        ({"status": "ok"}, None),
        ({"data": "a"}, None),
        ("<html>", None),
        (7, None),
    ],
)
def test_each_servers_form_of_a_list_is_read(body: object, names: list[str] | None) -> None:
    models = listed(body)
    assert (None if models is None else [model["id"] for model in models]) == names


def test_of_a_list_without_end_a_page_holds_as_much_as_it_can_offer() -> None:
    endless = [{"id": f"model-{number}"} for number in range(MAX_LISTED * 3)]
    assert listed({"data": endless}) == endless[:MAX_LISTED]
    assert listed(["a", "b" * 1_000_000, "c"]) == [{"id": "a"}, {"id": "c"}]


CHATTING = """
gpt-4o gpt-5 o3 claude-x llama-3.3-70b qwen-2.5-72b qwen3:8b deepseek-r1:8b llama-3.2-11b-vision
models/gemini-2.0-flash qwen2.5-vl-7b glm-4v kimi-k2 command-r-plus stablelm2 stable-code llava:13b
pixtral-12b gpt-oss:20b qwen3-coder sonar-pro mixtral:8x7b minicpm-v seed-oss-36b
"""
OTHERS = """
nomic-embed-text:latest text-embedding-3-small dall-e-3 whisper-1 tts-1-hd gpt-4o-mini-tts
gpt-4o-transcribe gpt-4o-realtime-preview omni-moderation-latest gpt-image-1 BAAI/bge-m3
bge-reranker-v2-m3 jina-embeddings-v3 all-minilm:22m intfloat/e5-large-v2 stabilityai/sdxl
black-forest-labs/FLUX.1-schnell imagen-3.0 veo-2.0 sora-2 cogview-4 wan2.1-t2v-14b llama-guard-3-8b
cosyvoice-v2 qwen3-asr-flash qwen-image-edit rerank-english-v3 mj_imagine gpt-3.5-turbo-instruct
google/siglip-so400m openai/clip-vit-large-patch14 paraphrase-multilingual vidore/colqwen2-v1.0
eleven_multilingual_v2 deepgram/nova-3 nvidia/canary-1b sambert-zhichu-v1
"""


@pytest.mark.parametrize("name", CHATTING.split())
def test_a_model_that_chats_is_known_by_its_name(name: str) -> None:
    assert chats(name)
    assert first_to_chat([*OTHERS.split(), name, "other"]) == name


@pytest.mark.parametrize("name", OTHERS.split())
def test_a_model_for_something_else_is_known_by_its_name(name: str) -> None:
    assert not chats(name)
    assert first_to_chat([name]) == name
