"""Diagrams: drawn only if no line fetches anything or contains a link."""

import re
import threading
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from mdit_py_plugins.footnote import footnote_plugin
from playwright.sync_api import expect

from chatbot.markdown.pictures.diagrams import MAX_CHARACTERS, MAX_STATEMENTS, may_be_drawn
from chatbot.markdown.syntax.emphasis import MARK
from chatbot.markdown.to_streamlit import to_streamlit
from tests.browser import OpenPage, ask, expect_answer, messages
from tests.conftest import RunningApp
from tests.servers.endpoint import FakeEndpoint, Reply

DRAWN = {
    "flow chart": """flowchart TD
    A[Start] --> B{Is it working?}
    B -->|Yes| C[Great!]
    B -- No --> D["Debug (again)<br/>and again"]
    D -.-> B
    D -. maybe .-> A
    C ==> E((End))
    subgraph one [The first]
      direction LR
      a1-->a2
    end
    subgraph "Two"
      b1 --- b2
    end
    style A fill:#f9f,stroke:#333,stroke-width:4px
    classDef big font-size:20px;
    class A,B big
    C:::big --> F[(Database)]
    %% a comment
    F <--> G[/Input/]
    G --x H
    H --o I([Stadium])""",
    "graph with semicolons": "graph LR;\n  A-->B;\n  B-->C;",
    "Chinese": "graph TD\n客户端[浏览器] --> 服务器{负载均衡}\n服务器 -->|转发| 应用1",
    "sequence": """sequenceDiagram
    autonumber
    participant A as Alice
    actor B as Bob
    A->>+B: Hello Bob, how are you?
    B-->>-A: {"status": 200}
    loop Every minute
      A-)B: ping
    end
    alt is sick
      B->>A: Not so good :(
    else is well
      B->>A: Feeling fresh
    end
    Note right of B: Bob thinks<br/>long
    Note over A,B: A typical interaction
    activate A
    deactivate A
    A-xB: lost
    rect rgb(200, 150, 255)
      A->>A: self
    end""",
    "class": """classDiagram
    Animal <|-- Duck
    Animal : +int age
    Animal: +isMammal() bool
    class Duck{
      +String beakColor
      +swim()
      -List~int~ positions
      #protected(a, b) void
    }
    class Shape {
        <<interface>>
        +draw()
    }
    class Color
    <<enumeration>> Color
    Customer "1" --> "*" Ticket : buys
    A ..|> B
    A --* B
    A --o B
    class Empty
    note for Duck "can fly"
    note "free"
    namespace N {
      class Q
    }""",
    "state": """stateDiagram-v2
    [*] --> Still
    Still --> [*]
    Still --> Moving : start
    Moving: Is moving
    state "Long name" as s2
    state fork1 <<fork>>
    state First {
        [*] --> second
        --
        second --> [*]
    }
    note right of Still: short
    note left of Moving
       Important, long
    end note""",
    "gantt": """gantt
    title A Gantt Diagram
    dateFormat YYYY-MM-DD
    axisFormat %m/%d
    excludes weekends
    section Section
        A task          :a1, 2014-01-01, 30d
        Another task    :after a1, 20d
        Done :done, crit, des1, 2014-01-06,2014-01-08
        Mile :milestone, m1, after des1, 0d""",
    "pie": 'pie showData title Pets\n    "Dogs" : 386\n    "Cats" : 85.5',
    "small pie": 'pie title Pets\n"a":1',
    "blank lines around": "\n\nflowchart LR\nA-->B\n",
}

FLOW = "flowchart LR\n"
NOT_DRAWN = [
    "",
    "just text",
    "%% only a comment",
    "A-->B",
    FLOW + 'A@{ img: "http://e.example/x", label: "x", pos: "t", w: 60, h: 60, constraint: "off" }',
    FLOW + 'A@{\n img: "//e.example/x" }',
    FLOW + 'A@{ icon: "fa:user" }',
    '%%{init: {"themeCSS": "a{background:url(http://e.example)}"}}%%\n' + FLOW + "A-->B",
    "---\nconfig:\n  theme: dark\n---\n" + FLOW + "A-->B",
    FLOW + "A-->B\nclick A href 'http://e.example'",
    FLOW + "A-->B\nclick A callback",
    FLOW + "A-->B; click A callback",
    FLOW + "A-->B\nstyle A fill:url(http://e.example)",
    FLOW + "A-->B\nlinkStyle 0 stroke:url(#x)",
    FLOW + "classDef a background:url(e.example)",
    FLOW + "classDef a fill:#fff;background:url(e.example)",
    FLOW + 'A["<img src=x>"]',
    FLOW + "A[<b>bold</b>]",
    FLOW + "A[<br onload=x>]",
    FLOW + "A[&lt;img&gt;]",
    FLOW + "A[#60;img#62;]",
    FLOW + "A & B --> C",
    FLOW + "A[see //e.example]",
    FLOW + 'A["`![x](y)`"]',
    FLOW + 'A["$$x$$"]',
    FLOW + "A --> ",
    FLOW + "A[open",
    FLOW + "A-->B\u2028click A callback",
    FLOW + "A-->B\rclick A callback",
    FLOW + "A-->B\x00",
    "sequenceDiagram\nlink A: x @ e.example",
    'sequenceDiagram\nlinks A: {"x": "e.example"}',
    'sequenceDiagram\nproperties A: {"class": "x"}',
    "sequenceDiagram\nA->>B: <img src=x>",
    "sequenceDiagram\nrect url(e.example)\nend",
    'sequenceDiagram\nparticipant A@{ "type": "boundary" }',
    'classDiagram\nclass A\nlink A "e.example"',
    'classDiagram\nclass A {\nlink A "e.example"\n}',
    "classDiagram\nclass A {\n+x",
    "classDiagram\nclass A {\n+x\n}\n}",
    "stateDiagram\nA-->B\nnote right of A\nopen",
    "stateDiagram\nA-->B\nclassDef a fill:url(x)",
    "gantt\nclick a href x",
    "gantt\ntodayMarker stroke:url(x)",
    "gantt\na :a, 0001-01-01, 9999-12-31",
    "gantt\ntickInterval 1millisecond",
    'pie\n"a" : url',
    *(
        f"{kind}\n  A"
        for kind in (
            "erDiagram",
            "journey",
            "mindmap",
            "gitGraph",
            "C4Context",
            "flowchart-elk",
            "architecture-beta",
            "block-beta",
            "info",
            "zenuml",
        )
    ),
    FLOW + "A-->B\n" * MAX_STATEMENTS,
    FLOW + "%% " + "x" * MAX_CHARACTERS,
]


@pytest.mark.parametrize("diagram", DRAWN.values(), ids=list(DRAWN))
def test_diagrams_as_models_write_them_are_drawn(diagram: str) -> None:
    assert may_be_drawn(diagram)


@pytest.mark.parametrize("diagram", NOT_DRAWN)
def test_anything_else_is_code(diagram: str) -> None:
    assert not may_be_drawn(diagram)


LINE_ENDS = ["", "(", ">", "<", '"', "|x", "&"]
FRAGMENTS = ["A", "A-", "A--", "-->A", "A[", "[", "(", '"', "A -- x ", "A:::", "a.b-", "- ", "<br>"]
FRAGMENTS += ["a : b,", "A~a,", ". ", "= ", "x--", " ", "A->>", "class A,", "style A a:b,", "a, "]


@pytest.mark.parametrize("head", ["graph", "sequenceDiagram", "classDiagram", "gantt", "pie"])
def test_a_hostile_line_takes_time_in_proportion(head: str) -> None:
    """Nothing that repeats can be given back, so no line is matched in two ways."""
    for fragment in FRAGMENTS:
        line = fragment * ((MAX_CHARACTERS - 100) // len(fragment))
        for end in LINE_ENDS:
            may_be_drawn(f"{head}\n{line}{end}")  # in two ways, one takes longer than a test may


GOOD = "graph TD\n  A[Start] --> B\n"
BAD = 'graph TD\n  A@{ img: "http://e.example/x" }\n'


def drawn(markdown: str) -> list[str]:
    """The diagrams that the browser draws: it looks for `language-mermaid` in a class' name."""
    parser = MarkdownIt("commonmark").enable("table").use(footnote_plugin)
    html = parser.render(to_streamlit(markdown))
    blocks = re.findall(r'<code class="([^"]*)">([^<]*)</code>', html)
    named = [(re.search(r"language-([A-Za-z0-9_]+)", unescape(one)), text) for one, text in blocks]
    return [unescape(text) for name, text in named if name and name[1].lower() == "mermaid"]


def within(prefix: str, first: str, text: str) -> str:
    lines = text.rstrip("\n").split("\n")
    return "\n".join((first if number == 0 else prefix) + line for number, line in enumerate(lines))


PLACES = {
    "alone": ("", ""),
    "in a list": ("  ", "- "),
    "in a numbered list": ("   ", "1. "),
    "in a quote": ("> ", "> "),
    "in a list in a quote": (">   ", "> - "),
    "indented": ("   ", "   "),
}
FENCES = ["```", "~~~", "`````", "~~~~"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fence", FENCES)
@pytest.mark.parametrize("name", ["mermaid", "Mermaid", " MERMAID", "mermaid x", "\tmermaid"])
def test_a_closed_diagram_is_drawn_and_any_other_is_code(place: str, fence: str, name: str) -> None:
    prefix, first = PLACES[place]
    good = within(prefix, first, f"{fence}{name}\n{GOOD}{fence}")
    assert drawn(good) == [GOOD]
    assert drawn(within(prefix, first, f"{fence}{name}\n{GOOD}")) == []
    assert drawn(within(prefix, first, f"{fence}{name}\n{GOOD[:-1]}{fence}")) == []
    assert drawn(within(prefix, first, f"{fence}{name}\n{BAD}{fence}")) == []


SPELLINGS = ["m&#101;rmaid", "&#109;ermaid", "m&#X65;rmaid", "mermaid-x", "-language-mermaid"]
SPELLINGS += ["&#32;language-mermaid", "mermaid,", "mermaid{x}", "&#45;language-m&#101;rmaid"]
SPELLINGS += ["mermaid\\!", "\\-language-mermaid", "\u00a0mermaid"]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("place", PLACES)
def test_no_other_spelling_of_its_name_draws_one(spelling: str, place: str) -> None:
    for fence in FENCES:
        block = f"{fence}{spelling}\n{BAD}{fence}"
        assert drawn(within(*PLACES[place], block)) == []
        assert to_streamlit(block).startswith(f"{fence}text\n")


@pytest.mark.parametrize("name", ["mermaid", *SPELLINGS])
def test_none_is_drawn_where_only_the_browser_sees_a_block(name: str) -> None:
    block = f"```{name}\n{BAD}```"
    for note in ("[^1]: {}", "[^1]: x\n\n    {}", "- [^1]: x\n\n      {}", "[^1]: x\n    {}"):
        within_note = note.replace("{}", block.replace("\n", "\n      "))
        assert drawn(f"a[^1]\n\n{within_note}") == []


def test_a_diagram_as_an_example_stays_to_the_letter() -> None:
    example = f"````md\n```mermaid\n{GOOD}```\n````"
    assert drawn(example) == []
    assert to_streamlit(example).replace(MARK, "") == example


PARTS = ["```", "~~~", "````", "mermaid", "m&#101;rmaid", "-language-", "\n", "\n\n", " ", "    "]
PARTS += ["> ", "- ", "[^1]: ", "[^1]", "\t", BAD, "`", "$$", "\\", "text", "1. "]


@given(st.lists(st.sampled_from(PARTS), max_size=14).map("".join))
def test_no_hostile_diagram_is_drawn_wherever_it_stands(markdown: str) -> None:
    assert all(may_be_drawn(diagram) for diagram in drawn(markdown))


@pytest.mark.browser
def test_a_diagram_is_code_until_it_is_closed_and_then_drawn(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    hold = threading.Event()
    begun = "Here it is:\n\n```mermaid\ngraph TD\n  A[Start] --> B[Finish]\n"
    others = "\n\n".join(f"```mermaid\n{text}\n```" for text in DRAWN.values())
    endpoint.default_reply = Reply([begun, f"```\n\n{others}\n\nThe end."], hold=hold)
    page = open_page(app.url)
    page.set_default_timeout(60_000)
    ask(page, "Hi")
    answer = messages(page).last
    expect(answer.locator("code").first).to_contain_text("A[Start] --> B[Finish]")
    expect(answer.get_by_test_id("stMermaidChart")).to_have_count(0)
    hold.set()
    expect_answer(page, "The end.")
    expect(answer.get_by_test_id("stMermaidChart").locator("img")).to_have_count(1 + len(DRAWN))
    expect(answer.get_by_test_id("stMermaidError")).to_have_count(0)
