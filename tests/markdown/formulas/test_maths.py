"""Formulas: told apart from money, variables and stock symbols, and rewritten for KaTeX."""

import re
from pathlib import Path

import pytest
import streamlit

from chatbot.markdown.formulas.chemistry import chemical_formula
from chatbot.markdown.formulas.tex import for_katex
from chatbot.markdown.to_streamlit import to_streamlit


@pytest.mark.parametrize(
    "markdown",
    [
        "PATH=$PATH:$HOME/bin and $SRC/$NAME to $HOME/$USER.",
        'Mentions: $AAPL/$MSFT, "$first,$last", $GOOG、$TSLA。',
        "A$10/A$20, US$5-US$10, R$10 e R$20, $5–$10, $100K–$200K",
        "a $ sign and another $ sign, 用 $ 和 $ 包围, 5 $ = 4 € and 6 $",
        "${HOME}/${USER} and $(a)/$(b), $1,$2 and $?/$!",
        "It costs $5, and (in total) 30$",
        "foreach ($items as $item) { $a=$b; $x.$y }",
        "The price of $5 per month$",
        "echo $$ and kill $$",
        "$AAPL和苹果$",
    ],
)
def test_a_dollar_sign_is_no_formula(markdown: str) -> None:
    assert to_streamlit(markdown) == markdown.replace("$", r"\$")


@pytest.mark.parametrize(
    ("markdown", "drawn"),
    [
        ("Let $ x $ be and $ y = 2 $", "Let $x$ be and $y = 2$"),
        (r"$ v = \frac{d}{t} $.", r"$v = \frac{d}{t}$."),
        ("设 $ f(x)=x^2 $，则 $ f'(x)=2x $。", "设 $f(x)=x^2$，则 $f'(x)=2x$。"),
        ("the $n$th of $k$NN", "the $n$th of $k$NN"),
        ("$a$, $+$, $2n+1$ or $x_1$", "$a$, $+$, $2n+1$ or $x_1$"),
        ("$5 and $x$", r"\$5 and $x$"),
        (r"$\$5 + x$", r"$$ \$5 + x $$"),
        (r"\(a\)\(b\)2", "$a$\u2060\u2060$b$\u2060\u20602"),
        ("$`x^2`$", "$x^2$"),
        (r"$$x=1 \tag{1}$$ and", r"$x=1 \qquad\text{(1)}$ and"),
        (r"- a \[ x \] b", r"- a $x$ b"),
        ("- a\n  \\[\n  x\n\n  y\n  \\]\n- b", "- a\n  $$\n  x\n  y\n  $$\n- b"),
        ("1. a\n\n   $$ x > y $$.", "1. a\n\n   $$\n   x > y.\n   $$"),
        (
            "so\n\\begin{align}\na &= b\n\n\\end{align}\nthen",
            "so\n$$\n\\begin{align*}\na &= b\n\\end{align*}\n$$\nthen",
        ),
        (r"In \begin{align*}a&=b\end{align*}.", r"In $\begin{aligned}a&=b\end{aligned}$."),
        (
            "\\begin{eqnarray*}a&=&b\\label{x}\\end{eqnarray*}",
            "$$\n\\begin{align*}a&=&b\\end{align*}\n$$",
        ),
        (r"So \boxed{\frac{1}{2}} it is", r"So $\boxed{\frac{1}{2}}$ it is"),
        (r"About \qty{5}{kg}, \SI{3}", r"About ${5\,\mathrm{kg}}$, \SI{3}"),
        ("```math\na^2\n```", "$$\na^2\n$$"),
        ("$$a &= b$$", "$$\n\\begin{aligned}a &= b\\end{aligned}\n$$"),
        (r"$50% \text{ of a_b}$", r"$50\% \text{ of a\_b}$"),
        (r"\SI{5}{\meter}, $\SI{5}{\meter}$", r"${5\,\mathrm{m}}$, ${5\,\mathrm{m}}$"),
        (r"\ce{H2O}", r"${\mathrm{H}_{2}\mathrm{O}}$"),
    ],
)
def test_a_formula_is_written_as_it_can_be_drawn(markdown: str, drawn: str) -> None:
    assert to_streamlit(markdown) == drawn


@pytest.mark.parametrize(
    ("markdown", "drawn"),
    [
        (r"$\ce{\bond{~}x}$", r"`\ce{\bond{~}x}`"),
        (r"$\foo{x}$", r"`\foo{x}`"),
        (r"$\frac{1$", r"`\frac{1`"),
        (r"\(\left( x\)", r"`\left( x`"),
        (r"$a^b^c$", r"`a^b^c`"),
        ("$$\n\\begin{tikzpicture}\n\\end{tikzpicture}\n$$", None),
        (r"\begin{itemize} x \end{itemize}", r"\begin{itemize} x \end{itemize}"),
        (r"\boxed{x", r"\boxed{x"),
    ],
)
def test_what_katex_would_show_in_red_is_code(markdown: str, drawn: str | None) -> None:
    fenced = "```latex\n\\begin{tikzpicture}\n\\end{tikzpicture}\n```"
    assert to_streamlit(markdown) == (drawn or fenced)


@pytest.mark.parametrize(
    ("source", "tex"),
    [
        ("H2O", r"\mathrm{H}_{2}\mathrm{O}"),
        ("SO4^2-", r"\mathrm{SO}_{4}^{2-}"),
        ("NH4+", r"\mathrm{NH}_{4}^{+}"),
        ("Fe^{3+}", r"\mathrm{Fe}^{3+}"),
        ("Ca(OH)2", r"\mathrm{Ca}(\mathrm{OH})_{2}"),
        ("CuSO4.5H2O", r"\mathrm{CuSO}_{4}\cdot 5\,\mathrm{H}_{2}\mathrm{O}"),
        ("^{227}_{90}Th", r"{}^{227}_{90}\mathrm{Th}"),
        ("2H2 + O2 -> 2H2O", None),
        ("A <=>[heat][Pt] B", r"\mathrm{A}\xrightleftharpoons[\mathrm{Pt}]{\text{heat}}\mathrm{B}"),
        ("CH3-CH=CH2", r"\mathrm{CH}_{3}{-}\mathrm{CH}{=}\mathrm{CH}_{2}"),
        ("CaCO3 v", r"\mathrm{CaCO}_{3}\downarrow "),
        ("H+ (aq)", r"\mathrm{H}^{+}\ (\mathrm{aq})"),
    ],
)
def test_plain_chemistry_is_translated(source: str, tex: str | None) -> None:
    arrow = r"2\,\mathrm{H}_{2} + \mathrm{O}_{2}\xrightarrow{\;\;}2\,\mathrm{H}_{2}\mathrm{O}"
    assert chemical_formula(source) == (tex or arrow)


@pytest.mark.parametrize(
    ("source", "tex"),
    [
        (r"\qty{3}{\kg}", r"{3\,\mathrm{kg}}"),
        (r"\pu{10 mol}", r"{10\,\mathrm{mol}}"),
        (r"\pu{1.2e3 kJ mol-1}", r"{1.2\times 10^{3}\,\mathrm{kJ\,mol^{-1}}}"),
        (r"\SI{9.8}{\meter\per\second\squared}", r"{9.8\,\mathrm{m/s^{2}}}"),
        (r"\SI{25}{\celsius}", r"{25\mathrm{{}^{\circ}C}}"),
        (r"\si{\kilo\gram} x", r"{\mathrm{kg}} x"),
        (r"\num{1e5}", r"{1\times 10^{5}}"),
        (r"\SI{1}{\nothing}", None),
    ],
)
def test_quantities_are_translated(source: str, tex: str | None) -> None:
    assert for_katex(source, is_displayed=False) == tex


def test_the_known_commands_are_those_of_streamlits_katex() -> None:
    scripts = Path(streamlit.__file__).parent / "static/static/js"
    katex = next(scripts.glob("katex.*.js")).read_text("utf-8")
    named = set(re.findall(r"\\\\([A-Za-z]+)", katex))  # also several in one string
    listed = Path(__file__).parents[3] / "chatbot/markdown/formulas/katex_commands.txt"
    known = set(listed.read_text("ascii").split())
    assert known <= named
    assert named - known <= {
        *("abovefrac", "atopfrac", "bracefrac", "brackfrac", "cdleft", "cdparent", "cdright"),
        *("current", "df", "errmessage", "foo", "globalfuture", "globallet", "globallong"),
        *("html", "message", "show"),
    }


@pytest.mark.parametrize(
    "name", ["log", "ln", "exp", "sin", "cos", "tan", "arg", "dim", "max", "lim"]
)
def test_functions_are_drawn(name: str) -> None:
    tex = rf"T(n) = O(n \{name} n)"
    assert for_katex(tex, is_displayed=True) == tex


FRAGMENTS = [
    "$",
    "$$",
    "$$\n",
    "$$a\n",
    "\\[",
    "\\[\n",
    "\\(",
    "\\begin{align}",
    "\\begin{align}\n",
]
FRAGMENTS += [
    "- $$\n  ",
    "\\boxed{",
    "\\SI{a}",
    "$\\ce{",
    "\\ce{{}",
    "$a ",
    "$\\left(",
    "\\$",
    "$ x ",
    "> \\[\n",
]


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_formulas_that_are_never_closed_are_looked_for_once(fragment: str) -> None:
    assert to_streamlit(fragment * 4_000 + "x")  # with a search for each it would take minutes
