"""Recognition of errors by their words, whatever their status is."""

import pytest

from chatbot.llm.endpoint import Endpoint
from chatbot.llm.error_mapping import refusal, reported
from chatbot.llm.wordings import is_failure

ENDPOINT = Endpoint("https://relay.example/v1", "key")

PICTURES = [
    (400, "Invalid content type. image_url is only supported by certain models."),
    (400, "Failed to deserialize the JSON body into the target type: messages[1]: unknown variant"
          " `image_url`, expected `text` at line 1 column 679289"),
    (422, "Failed to deserialize: messages[1].content: invalid type: sequence, expected a string"),
    (404, "No endpoints found that support image input"),
    (500, "image input is not supported - hint: if this is unexpected, you may need to provide the"
          " mmproj"),
    (400, "this model does not support image input"),
    (400, "Qwen/Qwen3-8B is not a multimodal model"),
    (422, "Input should be 'text'"),
    (400, "The model doesn't support images"),
    (400, "Multimodal inputs are not supported by this model"),
    (400, "This is a text-only model"),
    (404, "No endpoints found that support input modality image"),
    (400, "messages.0.content.1: image content blocks are not supported"),
    (500, "Failed to process image: model lacks vision encoder"),
    (500, "this model is missing data required for image input"),
    (400, "This model cannot process images"),
    (400, "该模型不支持图片输入"),
]  # fmt: skip
NO_CHAT = [
    (400, '"nomic-embed-text" does not support chat'),
    (404, "This is not a chat model and thus not supported in the v1/chat/completions endpoint."
          " Did you mean to use v1/completions?"),
    (404, "This model is only supported in v1/responses and not in v1/chat/completions."),
    (400, "grok-2-image is an image model and is therefore not available on this endpoint. Please"
          " use https://api.example/v1/images/generations"),
    (400, "The model does not support Chat Completions API"),
    (400, "The chatCompletion operation does not work with the specified model, ada-002."),
    (501, "This server does not support completions. Start it without `--embeddings`"),
    (400, "该模型不支持对话"),
]  # fmt: skip
OTHERS = [
    (400, "At most 1 image(s) may be provided in one request.", "refused"),
    (400, "Image content cannot exceed 30MB", "refused"),
    (400, "Input should be 'text' or 'json_object'", "refused"),
    (400, "This model's maximum context length is 8192 tokens, images included", "too_long"),
    (404, "Not found", "wrong_address"),
    (404, "The model `x` does not exist", "model_not_found"),
    (500, "model requires more system memory (9.1 GiB) than is available (6.2 GiB)", "no_memory"),
    (500, "CUDA out of memory. Tried to allocate 2.00 GiB", "no_memory"),
    (400, "显存不足", "no_memory"),
    (400, "Unsupported image format", "refused"),
    (400, "Could not process image", "refused"),
    (400, "Your credit balance is too low to access the API", "quota"),
    (400, "Arrearage: please make sure your account is in good standing", "quota"),
    (500, "Oops", "server_error"),
    (503, "The engine is currently overloaded, please try again later", "busy"),
    (529, "Overloaded", "busy"),
    (503, "服务繁忙，请稍后重试", "busy"),
    (503, "Service Unavailable", "server_error"),
]


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        *((*refused, "no_pictures") for refused in PICTURES),
        *((*refused, "no_chat") for refused in NO_CHAT),
        *OTHERS,
    ],
)
def test_a_refusal_is_known_by_its_words(status: int, message: str, code: str) -> None:
    body = {"error": {"message": message}}
    assert refusal(status, body, {}, ENDPOINT, "m").code == code
    inner = body["error"]  # as the client library hands it over
    assert refusal(status, inner, {}, ENDPOINT, "m").code == code


REPORTS = [
    ({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, "quota"),
    ({"base_resp": {"status_code": "1008", "status_msg": ""}, "choices": None}, "quota"),
    ({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, "key_refused"),
    ({"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}, "busy"),
    ({"base_resp": {"status_code": 1000, "status_msg": "unknown error"}}, "server_error"),
    ({"base_resp": {"status_code": 1039, "status_msg": "token limit"}}, "too_long"),
    ({"code": 1113, "msg": "您的账户已欠费，请充值后重试"}, "quota"),
    ({"code": "1302", "message": "您当前使用该API的并发数过高"}, "busy"),
    ({"code": 401, "msg": "Unauthorized"}, "key_refused"),
    ({"success": False, "code": 500, "msg": "Internal error"}, "server_error"),
    ({"status": "435", "msg": "Model not support"}, "model_not_found"),
    ({"error_code": 17, "error_msg": "Open api daily request limit reached, quota"}, "quota"),
    ({"error_code": 17, "error_msg": "Open api daily request limit reached"}, "busy"),
    (
        {"base_resp": {"status_code": 1026, "status_msg": "input new_sensitive"}},
        "question_filtered",
    ),
    ({"error": {"message": "OOM"}}, "no_memory"),
    ({"code": 500, "msg": "GPU memory not enough"}, "no_memory"),
    ({"error": "CUDA error: out of memory"}, "no_memory"),
    ({"error": {"message": "No endpoints found that support image input"}}, "no_pictures"),
    ({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, "busy"),
    (
        {"error": {"code": 503, "message": "The model is overloaded. Please try again later."}},
        "busy",
    ),
    ({"error": {"message": "当前分组上游负载已饱和，请稍后再试"}}, "busy"),
    ({"detail": "Rate limit exceeded"}, "busy"),
    ({"detail": "Not Found"}, "wrong_address"),
    ({"detail": "Invalid token"}, "key_refused"),
    ({"detail": "Could not validate credentials"}, "key_refused"),
    ({"detail": "Incorrect API key provided"}, "key_refused"),
    ({"detail": "Something odd"}, "server_error"),
    (
        {"detail": [{"loc": ["body", "model"], "msg": "model not found", "type": "x"}]},
        "model_not_found",
    ),
    ({"message": "Internal server error"}, "server_error"),
    ({"message": "Too many requests", "request_id": "x"}, "busy"),
    ({"object": "error", "message": "Invalid API key", "code": 40101}, "key_refused"),
    (
        {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]},
        "key_refused",
    ),
]


@pytest.mark.parametrize(("body", "code"), REPORTS)
def test_an_error_within_a_success_gets_the_sentence_of_its_kind(
    body: dict[str, object], code: str
) -> None:
    assert body.get("error") or is_failure(body)
    assert reported(body, ENDPOINT, "m").code == code


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "ping"},
        {"base_resp": {"status_code": 0, "status_msg": "success"}},
        {"code": 0, "msg": "success"},
        {"code": "200", "message": "OK"},
        {"status": "ok", "detail": "queued"},
        {"status": "ok", "message": "rate limit: 60"},
        {"message": "error"},
        {"code": 17},
        {"success": True, "msg": "x"},
        {"success": False, "errors": []},
        {"code": [1], "msg": "x"},
        {"id": "x", "model": "error"},
    ],
)
def test_what_only_looks_like_an_error_is_none(body: dict[str, object]) -> None:
    assert not is_failure(body)
