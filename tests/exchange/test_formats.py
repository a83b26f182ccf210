"""Import from other chat apps: all messages arrive as they were in the other app."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chatbot.exchange import Summary, import_file
from chatbot.store import Conversation, Message, State, Store
from tests.exchange import chatgpt_export
from tests.exchange.other_exports import (
    ROOT,
    claude,
    claude_said,
    deepseek,
    fragments,
    librechat,
    librechat_said,
    nextchat,
    one_of_each,
    openwebui,
)

ME = "me"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    yield store
    store.close()


def bring_in(store: Store, raw: Any) -> Summary:
    data = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    return import_file(store, ME, io.BytesIO(data), "en", lambda part: None)


def the_only(store: Store) -> tuple[Conversation, list[Message]]:
    [conversation] = store.conversations.page(ME, 10)
    return conversation, store.messages.all(ME, conversation.id)


def answer(store: Store, raw: Any) -> Message:
    """The last message on screen after a file has come in."""
    assert bring_in(store, raw).added == 1
    conversation, messages = the_only(store)
    [last] = [message for message in messages if message.id == conversation.leaf_id]
    return last


def shown(store: Store) -> list[str]:
    conversation, _ = the_only(store)
    return [message.content for message in store.messages.branch(ME, conversation.id, 1000)]


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "raw", [*one_of_each()], ids=["claude", "deepseek", "openwebui", "librechat", "next"]
)
def test_title_question_and_answer_come_in_once(store: Store, raw: Any) -> None:
    assert bring_in(store, raw) == Summary(added=1)
    conversation, messages = the_only(store)
    assert conversation.title.startswith("From ")
    assert [(one.role, one.content) for one in messages] == [
        ("user", "Asked"),
        ("assistant", "Told"),
    ]
    assert messages[1].parent_id == messages[0].id and messages[0].model is None
    assert bring_in(store, raw) == Summary(already_there=1)


def test_models_times_and_thoughts_come_along_where_they_are_stated(store: Store) -> None:
    for raw in one_of_each():
        assert bring_in(store, raw).added == 1
    answers = {}
    for conversation in store.conversations.page(ME, 10):
        _, last = store.messages.all(ME, conversation.id)
        answers[conversation.title.removeprefix("From ")] = store.messages.get(ME, last.id)
    models = {name: found and found.model for name, found in answers.items()}
    assert models == {
        "Claude": None,
        "DeepSeek": "deepseek-reasoner",
        "Open WebUI": "m",
        "LibreChat": "gpt-4o",
        "NextChat": None,
    }
    times = {name: found and found.created_at for name, found in answers.items()}
    assert times["Claude"] == seconds("2025-01-01T00:00:01")
    assert times["DeepSeek"] == seconds("2025-03-29T20:49:37.018")
    assert times["Open WebUI"] == 1735689600
    assert times["NextChat"] == seconds("2025-01-01T09:00:05")
    assert answers["DeepSeek"] and answers["DeepSeek"].reasoning == "hm"


# Claude


def test_claudes_thoughts_files_and_artifacts(store: Store) -> None:
    pasted = {"file_name": "", "extracted_content": "a long text\n"}
    attached = {"file_name": "x.py", "extracted_content": "print(1)\n"}
    code = {"command": "create", "type": "application/vnd.ant.code", "language": "python"}
    raw = claude(
        claude_said(
            "human",
            "See this",
            attachments=[pasted, attached],
            files=[{"file_name": "x.py"}, {"file_name": "p.png", "file_kind": "image"}],
        ),
        claude_said(
            "assistant",
            {
                "type": "thinking",
                "thinking": "hm",
                "start_timestamp": "2025-01-01T00:00:00Z",
                "stop_timestamp": "2025-01-01T00:00:04Z",
            },
            "Here:",
            {"type": "tool_use", "name": "artifacts", "input": {**code, "content": "x = 1"}},
            {"type": "tool_use", "name": "web_search", "input": {"query": "x"}},
            {"type": "tool_result", "content": []},
            {"type": "hologram"},
            "Done.",
        ),
    )
    summary = bring_in(store, [raw])
    assert summary.left_out == {"tool_use (web_search)": 1, "hologram": 1}
    assert shown(store) == [
        "a long text\n\n\n[File: x.py]\n\n```\nprint(1)\n```\n\n[Image]\n\nSee this",
        "Here:\n\n```python\nx = 1\n```\n\nDone.",
    ]
    _, [_, said] = the_only(store)
    assert (said.reasoning, said.reasoning_seconds) == ("hm", 4)


def test_claudes_branches_end_where_its_page_stood(store: Store) -> None:
    def said(sender: str, text: str, name: str, parent: str) -> dict[str, Any]:
        return claude_said(sender, text, uuid=name, parent_message_uuid=parent)

    listed = [
        said("human", "One", "1", ROOT),
        said("assistant", "first", "2", "1"),
        said("assistant", "second", "3", "1"),
        said("human", "Two", "4", "3"),
        said("human", "Two, edited", "5", "3"),
    ]
    bring_in(store, [claude(*listed, current_leaf_message_uuid="4")])
    assert shown(store) == ["One", "second", "Two"]
    assert len(the_only(store)[1]) == 5


def test_old_exports_of_claudes_have_only_text(store: Store) -> None:
    old = 'Made: <antThinking>x</antThinking>\n<antArtifact type="text/html">\n<p>\n</antArtifact>'
    note = "```\nThis block is not supported on your current device yet.\n```\n\n"
    raw = claude(
        {"sender": "human", "text": "Make it"}, {"sender": "assistant", "text": note + old}
    )
    said = answer(store, [raw])
    assert said.content.startswith("Made:") and said.content.endswith("```html\n\n<p>\n\n```")
    assert "not supported" not in said.content


# DeepSeek


def test_deepseeks_sources_are_links_and_its_searches_counted(store: Store) -> None:
    found = {"type": "SEARCH", "content": None, "results": [{"url": "https://e.org/a"}]}
    told = fragments(RESPONSE="So [citation:1], [citation:9].")
    told["fragments"].insert(0, found)
    summary = bring_in(store, [deepseek(fragments(REQUEST="Asked"), told)])
    assert summary.left_out == {"SEARCH": 1}
    assert shown(store) == ["Asked", "So [[1]](https://e.org/a), ."]


def test_deepseeks_messages_without_fragments_or_roles(store: Store) -> None:
    def old(text: str, thought: str | None = None) -> dict[str, Any]:
        return {"content": text, "reasoning_content": thought, "model": "deepseek-chat"}

    bring_in(store, [deepseek(old("Asked"), old("Told"), old("Again"), old("Yes", "hm"))])
    _, messages = the_only(store)
    assert [one.role for one in messages] == ["user", "assistant"] * 2
    assert messages[3].reasoning == "hm"


# Open WebUI

REASONED = """<details type="reasoning" done="true" duration="3">
<summary>Thought for 3 seconds</summary>
&gt; hm &amp; so
&gt;
&gt; yes
</details>
<details type="tool_calls" done="true" id="1" name="search" arguments="&quot;x&quot;">
<summary>Tool Executed</summary>
</details>
Told

```html
<details type="reasoning">
<summary>code</summary></details>
```"""


def test_openwebuis_thoughts_and_calls_stand_apart_from_its_answers(store: Store) -> None:
    asked = {"id": "a", "parentId": None, "role": "user", "content": "Asked"}
    told = {"id": "b", "parentId": "a", "role": "assistant", "content": REASONED}
    summary = bring_in(
        store, [openwebui(asked, {**told, "annotation": {"rating": -1}, "timestamp": 1735689700})]
    )
    assert summary.left_out == {"tool_calls (search)": 1}
    _, [_, said] = the_only(store)
    assert said.content.startswith("Told\n\n```html\n<details") and said.content.endswith("```")
    assert (said.reasoning, said.reasoning_seconds) == ("hm & so\n\nyes", 3)
    assert (said.rating, said.created_at) == (0, 1735689700)


@pytest.mark.parametrize(
    "chat",
    [
        {"title": "Old", "timestamp": 1735689600000, "messages": [], "history": None},
        {"title": "Old", "system": "Be brief", "messages": []},
    ],
)
def test_openwebuis_old_chats_are_lists(store: Store, chat: dict[str, Any]) -> None:
    chat["messages"] = [
        {"role": "user", "content": [{"type": "text", "text": "Asked"}]},
        {"role": "assistant", "content": "Told", "output": []},
    ]
    bring_in(store, [{"id": "x", "chat": chat}])
    assert shown(store) == ["Asked", "Told"]
    conversation, messages = the_only(store)
    assert conversation.controls == ({"system_prompt": "Be brief"} if "system" in chat else {})
    assert "timestamp" not in chat or messages[0].created_at == 1735689600


def test_openwebuis_newer_answers_are_lists_of_items(store: Store) -> None:
    output = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "function_call", "name": "look"},
        {"type": "function_call_output", "output": []},
        {"type": "message", "content": [{"type": "output_text", "text": "Told"}]},
    ]
    asked = {"id": "a", "parentId": None, "role": "user", "content": "Asked"}
    told = {"id": "b", "parentId": "a", "role": "assistant", "content": "", "output": output}
    assert bring_in(store, [openwebui(asked, told)]).left_out == {"function_call (look)": 1}
    _, [_, said] = the_only(store)
    assert (said.content, said.reasoning) == ("Told", "hm")


# LibreChat


@pytest.mark.parametrize("place", ["messagesTree", "messages"])
def test_librechats_parts_branches_and_ratings(store: Store, place: str) -> None:
    parts = [
        {"type": "think", "think": "hm"},
        {"type": "tool_call", "tool_call": {"name": "search", "args": "{}"}},
        {"type": "text", "text": {"value": "Told"}},
    ]
    told = librechat_said(
        "3",
        "GPT",
        "",
        content=parts,
        model="gpt-5",
        feedback={"rating": "thumbsUp"},
        createdAt="2025-01-01T00:00:03.000Z",
    )
    first = librechat_said("2", "GPT", ":::thinking\nold\n:::\nFirst", unfinished=True)
    tree = [librechat_said("1", "User", "Asked", children=[first, told])]
    raw = {**librechat(), "options": {"promptPrefix": "Be brief"}, "messages": None, place: tree}
    assert bring_in(store, raw).left_out == {"tool_call (search)": 1}
    conversation, messages = the_only(store)
    by_text = {message.content: message for message in messages}
    assert set(by_text) == {"Asked", "First", "Told"}
    assert by_text["First"].reasoning == "old" and by_text["First"].state is State.STOPPED
    assert (by_text["Told"].reasoning, by_text["Told"].rating) == ("hm", 1)
    assert by_text["Told"].model == "gpt-5"
    assert conversation.controls == {"system_prompt": "Be brief"}


def test_librechats_flat_list_of_one_branch(store: Store) -> None:
    flat = [
        {**librechat_said("1", "User", "Asked"), "parentMessageId": ROOT},
        {**librechat_said("2", "GPT", "Told"), "parentMessageId": "1"},
    ]
    assert answer(store, librechat(*flat, recursive=False)).content == "Told"


def test_a_long_conversation_of_librechats_is_nested_deeply(store: Store) -> None:
    text = ""
    for place in reversed(range(2000)):
        sender = "GPT" if place % 2 else "User"
        said = json.dumps(librechat_said(str(place), sender, f"No. {place}"))
        text = said.replace('"children": []', f'"children": [{text}]')
    whole = json.dumps({**librechat(), "messages": "HERE"}).replace('"HERE"', f"[{text}]")
    assert bring_in(store, whole.encode()).added == 1
    assert shown(store)[-1] == "No. 1999"
    assert len(the_only(store)[1]) == 2000


# NextChat


def test_nextchats_parts_prompts_and_tools(store: Store) -> None:
    raw = nextchat(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Asked"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,xx"}},
            ],
        },
        {"role": "assistant", "content": "Told", "model": "m", "tools": [{"function": {}}]},
        mask={"context": [{"role": "system", "content": "Be brief"}]},
        lastUpdate=1735689600000,
    )
    assert bring_in(store, raw).left_out == {"image_url": 1, "tool ()": 1}
    conversation, messages = the_only(store)
    assert [one.content for one in messages] == ["Asked\n\n[Image]", "Told"]
    assert conversation.controls == {"system_prompt": "Be brief"}
    assert conversation.updated_at == 1735689600
    assert "sk-canary" not in str(conversation) + str(messages)


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("2025/1/1", "2025-01-01T00:00:00"),
        ("2025/3/4 15:06:07", "2025-03-04T15:06:07"),
        ("2025/3/4 下午3:06:07", "2025-03-04T15:06:07"),
        ("2025/3/4 上午12:06:07", "2025-03-04T00:06:07"),
        ("3/4/2025, 3:06:07 PM", "2025-03-04T15:06:07"),
        ("3/4/2025, 12:06:07 AM", "2025-03-04T00:06:07"),
        ("4.3.2025, 15:06:07", "2025-03-04T15:06:07"),
        ("2025-03-04T15:06:07.000Z", "2025-03-04T15:06:07"),
    ],
)
def test_nextchats_times_as_browsers_write_them(store: Store, date: str, moment: str) -> None:
    said = answer(store, nextchat({"role": "user", "content": "Hi", "date": date}))
    assert said.created_at == seconds(moment)


@pytest.mark.parametrize("date", ["04/03/2025, 15:06:07", "2025/99/99", "soon", 7, None])
def test_a_time_that_is_not_certain_is_that_of_the_session(store: Store, date: Any) -> None:
    raw = nextchat({"role": "user", "content": "Hi", "date": date}, lastUpdate=1735689600000)
    assert answer(store, raw).created_at == 1735689600


def test_one_session_of_nextchats_or_a_list_of_messages(store: Store) -> None:
    listed = [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "Asked"},
        {"role": "assistant", "content": "Told"},
    ]
    assert answer(store, {"messages": listed}).content == "Told"
    assert the_only(store)[0].controls == {"system_prompt": "Be brief"}


# ChatGPT


def chatgpt(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    tree = chatgpt_export.Tree("chatgpt")
    last = tree.add(tree.root, chatgpt_export.text_message("user", "Asked", 1_700_000_000))
    for message in messages:
        last = tree.add(last, message)
    return tree.conversation(last, **fields)


def code_for(tool: str, text: str) -> dict[str, Any]:
    content = {"content_type": "code", "language": "unknown", "text": text}
    return chatgpt_export.message("assistant", content, 1_700_000_001, recipient=tool)


def told(text: str, **metadata: Any) -> dict[str, Any]:
    return chatgpt_export.text_message("assistant", text, 1_700_000_002, metadata=metadata)


def test_chatgpts_calls_are_counted_and_its_marks_are_words(store: Store) -> None:
    words = (
        'Sunny in \ue200entity\ue202["city","Zürich","x"]\ue201 \ue200cite\ue202turn0\ue201, see '
        "\ue200url\ue202this [page]\ue202https://e.org/b\ue201\ue200navlist\ue202x\ue201."
    )
    source = {"matched_text": "\ue200cite\ue202turn0\ue201", "alt": "([E](https://e.org/a))"}
    empty = chatgpt_export.text_message("tool", "", 1_700_000_001, name="web.run")
    summary = bring_in(
        store,
        [
            chatgpt(
                code_for("web.run", '{"search_query": []}'),
                empty,
                code_for("web.run", '{"open": []}'),
                told(words, content_references=[source], model_slug=None),
                default_model_slug="gpt-5-1-thinking",
            )
        ],
    )
    assert summary.left_out == {"code (web.run)": 2}
    _, [_, said] = the_only(store)
    assert said.content == (
        "Sunny in Zürich ([E](https://e.org/a)), see [this page](https://e.org/b)."
    )
    assert said.model == "gpt-5-1-thinking"


def test_a_source_without_words_of_its_own_is_a_link_and_an_unknown_one_leaves_no_gap(
    store: Store,
) -> None:
    known = "\ue200cite\ue202turn0search0\ue201"
    unknown = "\ue200cite\ue202turn0search1\ue201"
    pages = [{"title": "E [1]", "url": "https://e.org/a"}, {"url": "https://e.org/b"}]
    source = {"matched_text": known, "alt": None, "items": pages}
    said = told(f"Sunny {known}. Warm {unknown}.", content_references=[source])
    alone = chatgpt_export.message(
        "assistant", {"content_type": "text", "text": "And dry."}, 1_700_000_003
    )
    assert bring_in(store, [chatgpt(said, alone)]) == Summary(added=1)
    _, [_, answer] = the_only(store)
    assert answer.content == (
        "Sunny ([E 1](https://e.org/a), [https://e.org/b](https://e.org/b)). Warm.\n\nAnd dry."
    )


@pytest.mark.parametrize(
    ("call", "content"),
    [
        ({"name": "P", "type": "document", "content": "# Spring\n"}, "# Spring"),
        ({"name": "P", "type": "code/python", "content": "x = 1"}, "```python\nx = 1\n```"),
        ({"updates": [{"pattern": ".*", "replacement": "# New"}]}, "# New"),
    ],
)
def test_a_canvas_is_its_content(store: Store, call: dict[str, Any], content: str) -> None:
    written = code_for("canmore.create_textdoc", json.dumps(call))
    assert answer(store, [chatgpt(written, told("Done."))]).content == f"{content}\n\nDone."


@pytest.mark.parametrize("call", ['{"content": "cut', "[" * 100_000, '{"updates": [{}, {}]}', "7"])
def test_a_canvas_that_cannot_be_read_is_counted(store: Store, call: str) -> None:
    tool = "canmore.update_textdoc"
    summary = bring_in(store, [chatgpt(code_for(tool, call), told("Done."))])
    assert summary.left_out == {f"code ({tool})": 1}
    assert shown(store) == ["Asked", "Done."]


def test_chatgpts_model_system_message_and_ratings_come_along(store: Store) -> None:
    system = chatgpt_export.text_message("system", "Be brief", 1_700_000_000)
    hidden = {"is_visually_hidden_from_conversation": True}
    secret = chatgpt_export.text_message("system", "SECRET", 1_700_000_000, metadata=hidden)
    said = {**told("Told", model_slug=None), "id": "m-1"}
    raw = chatgpt(secret, system, said, default_model_slug="gpt-5")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("conversations.json", json.dumps([raw]))
        feedback = [{"id": "m-1", "rating": "thumbs_down"}, "odd", {"id": []}]
        archive.writestr("message_feedback.json", json.dumps(feedback))
    bring_in(store, file.getvalue())
    conversation, messages = the_only(store)
    assert conversation.controls == {"system_prompt": "Be brief"}
    assert (messages[1].model, messages[1].rating) == ("gpt-5", 0)


@pytest.mark.parametrize(
    ("kept", "reasoning", "said"),
    [
        ("<think>\nHm\n</think>\n\nTold", "Hm", "Told"),
        ("Hm, so\n</think>\n\nTold", "Hm, so", "Told"),
        ("[THINK]Hm[/THINK]Told", "Hm", "Told"),
        ("Written `</think>` ends it", "", "Written `</think>` ends it"),
        (" Told <think>", "", " Told <think>"),
    ],
)
def test_reasoning_kept_in_tags_within_a_text_is_reasoning(
    store: Store, kept: str, reasoning: str, said: str
) -> None:
    asked = {"id": "1", "role": "user", "content": "<think>Asked"}
    told = answer(store, nextchat(asked, {"id": "2", "role": "assistant", "content": kept}))
    assert (told.reasoning, told.content) == (reasoning, said)
    assert shown(store)[0] == "<think>Asked"


def test_the_model_of_a_whole_conversation_is_that_of_its_answers(store: Store) -> None:
    mask = {"modelConfig": {"model": "gpt-4o"}}
    assert answer(store, nextchat(mask=mask)).model == "gpt-4o"
