r"""Translation of chemical formulas (LaTeX package mhchem) into plain TeX. Pure functions.

Streamlit's KaTeX does not know `\ce`. Element symbols, indices, charges, isotopes, bonds, states
and arrows are translated; see "mhchem" on ctan.org.
"""

import re

_ARROWS = {
    "<=>>": r"\xrightleftharpoons",
    "<<=>": r"\xrightleftharpoons",
    "<=>": r"\xrightleftharpoons",
    "<-->": r"\xleftrightarrow",
    "<->": r"\xleftrightarrow",
    "->": r"\xrightarrow",
    "<-": r"\xleftarrow",
    "⇌": r"\xrightleftharpoons",
    "→": r"\xrightarrow",
    "⟶": r"\xrightarrow",
}

_NOTHING = r"\;\;"
"""Blank text that keeps an arrow without words long."""

_TOKEN = re.compile(
    r"""(?P<arrow>\s*(?:<=>>|<<=>|<=>|<-->|<->|->|<-|⇌|→|⟶)(?:\[(?P<above>[^][]*)\])?
          (?:\[(?P<below>[^][]*)\])?\s*)
    | (?P<sign>\s+(?P<of>[+=-])\s+ | (?<=\s)[+=-](?=\s))
    | (?P<gas>\s+\^(?=\s|$) | \s+\\uparrow\b)
    | (?P<solid>\s+v(?=\s|$) | \s+\\downarrow\b)
    | \^(?:\{(?P<upper>[^{}\\$]*)\} | (?P<bare_upper>\d*[+-]|\d+|[+-]\d+))
    | _(?:\{(?P<lower>[^{}\\$]*)\} | (?P<bare_lower>\d+|[a-z]))
    | (?P<dot>\s*[*·]\s* | \s*\\cdot\s* | (?<=[\w)\]])\.(?=\d))
    | (?P<number>\d+(?:\.\d+)?(?:/\d+)?)
    | (?P<letters>[A-Za-z]+)
    | (?P<greek>\\(?:alpha|beta|gamma|delta|Delta|mu|nu|pi|sigma|lambda|eta|circ|bullet)\b\s*)
    | (?P<charge>[+-]+(?=[\s)\],]|$|\]))
    | (?P<bond>[-=\#])
    | (?P<bracket>[()\[\]])
    | (?P<comma>[,;]\s*)
    | (?P<space>[\s~]+)""",
    re.VERBOSE,
)


def chemical_formula(source: str) -> str | None:
    r"""Translate the content of `\ce{…}` into TeX; None if a part of it is unknown here."""
    tex: list[str] = []
    has_base = False  # True if digits that follow are an index, not a number of molecules
    place = 0
    source = source.strip()
    while place < len(source):
        match = _TOKEN.match(source, place)
        if not match:
            return None
        if has_base and "." in match[0][1:] and match["number"]:  # dot before water of crystals
            match = _TOKEN.match(source, place, source.index(".", place)) or match
        place = match.end()
        kind = str(match.lastgroup) if match.lastgroup not in ("above", "below") else "arrow"
        piece = _tex(match, kind, has_base)
        if piece is None:
            return None
        tex.append(piece)
        is_index = kind == "number" and has_base
        has_base = kind in ("letters", "greek") or match[0] in (")", "]") or is_index
        has_base |= kind in ("lower", "bare_lower", "upper", "bare_upper")
    return "".join(tex)


def _tex(match: re.Match[str], kind: str, has_base: bool) -> str | None:
    text = match[0].strip()
    if match["arrow"]:
        above, below = (_over_arrow(match[name] or "") for name in ("above", "below"))
        if above is None or below is None:
            return None
        arrow = _ARROWS[re.split(r"\[", text)[0].strip()]
        return arrow + (f"[{below}]" if below else "") + f"{{{above or _NOTHING}}}"
    if match["sign"]:
        return f" {text} "
    upper, lower = match["upper"] or match["bare_upper"], match["lower"] or match["bare_lower"]
    if upper is not None or lower is not None:
        script = f"^{{{upper}}}" if upper is not None else f"_{{{lower}}}"
        return script if has_base else f"{{}}{script}"
    if kind == "number":
        if has_base:
            return f"_{{{text}}}" if "/" not in text else None
        whole, _, part = text.partition("/")
        return (rf"\tfrac{{{whole}}}{{{part}}}" if part else text) + r"\,"
    simple = {
        "gas": r"\uparrow ",
        "solid": r"\downarrow ",
        "dot": r"\cdot ",
        "letters": rf"\mathrm{{{text}}}",
        "greek": f"{text} ",
        "charge": f"^{{{text}}}",
        "bond": {"-": "{-}", "=": "{=}", "#": r"{\equiv}"}.get(text),
        "bracket": text,
        "comma": rf"{text}\ ",
        "space": r"\ ",
    }
    return simple.get(kind)


def _over_arrow(source: str) -> str | None:
    if re.fullmatch(r"[\w ,.%°-]*[a-z]{3}[\w ,.%°-]*", source):
        return rf"\text{{{source.replace('%', chr(92) + '%')}}}"
    return chemical_formula(source) if source else ""
