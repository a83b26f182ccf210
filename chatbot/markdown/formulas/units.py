r"""Translation of quantities (LaTeX packages siunitx and mhchem) into plain TeX. Pure functions.

Streamlit's KaTeX does not know `\SI{5}{\meter}`, `\qty`, `\pu` and similar commands. The names of
units come from the manual of siunitx (ctan.org), tables 1 to 5.
"""

import re


def _table(entries: str) -> dict[str, str]:
    return dict(entry.split("=") for entry in entries.split())


_UNITS = _table(
    r"""
    ampere=A candela=cd kelvin=K kilogram=kg gram=g metre=m meter=m mole=mol second=s becquerel=Bq
    coulomb=C farad=F gray=Gy hertz=Hz henry=H joule=J lumen=lm katal=kat lux=lx newton=N ohm=\Omega
    pascal=Pa radian=rad volt=V siemens=S sievert=Sv steradian=sr tesla=T watt=W weber=Wb
    degreeCelsius={}^{\circ}C celsius={}^{\circ}C degree={}^{\circ} day=d hour=h minute=min litre=L
    liter=L tonne=t electronvolt=eV dalton=Da hectare=ha bar=bar percent=\% arcminute='
    arcsecond='' bit=bit byte=B decibel=dB atmosphere=atm angstrom=Å year=yr astronomicalunit=au
    """
)

_PREFIXES = _table(
    r"""
    femto=f pico=p nano=n micro=\mu{} mu=\mu{} milli=m centi=c deci=d deca=da hecto=h kilo=k mega=M
    giga=G tera=T peta=P exa=E kibi=Ki mebi=Mi gibi=Gi tebi=Ti
    """
)

_POWERS = {"squared": "^{2}", "cubed": "^{3}"}
_POWERS_AHEAD = {"square": "^{2}", "cubic": "^{3}"}

_SHORT = re.compile(
    r"([fpnumcdkMGT]?)(m|g|s|A|K|mol|N|J|W|V|Pa|Hz|C|F|H|L|l|eV|bar|Wh|B|T|S|h|min|d|dB|kg)"
)
_UNIT_TOKEN = re.compile(
    r"\\(?P<name>[A-Za-z]+)\s*(?:\{(?P<given>[^{}]*)\})?|\^\{?(?P<power>[-−]?\d+)\}?"
    r"|(?P<sign>[/.·*~\s]+)|(?P<word>[A-Za-zµμΩÅ°%]+)(?P<after>-?\d+)?"
)
_NUMBER = re.compile(
    r"\s*(?P<sign>[-+−±]?)\s*(?P<digits>[\d.,\s]*\d[\d.,]*)?\s*(?:\((?P<error>\d+)\))?"
    r"(?:\s*(?:\+-|\\pm|±)\s*(?P<margin>[\d.]+))?(?:\s*[eE]\s*(?P<power>[-+]?\d+))?\s*"
)
_QUANTITY = re.compile(r"(?P<number>[-+]?[\d.,]+(?:[eE][-+]?\d+)?)?\s*(?P<unit>.*)", re.DOTALL)


def quantity(command: str, arguments: list[str]) -> str | None:
    r"""Translate a command such as `\SI` or `\pu` into TeX; None if a part of it is unknown."""
    if command in ("si", "unit"):
        return _unit(arguments[0])
    if command == "num":
        return _number(arguments[0])
    if command == "ang":
        angle = _number(arguments[0])
        return angle and rf"{angle}^{{\circ}}"
    if command == "pu":
        match = _QUANTITY.fullmatch(arguments[0].strip())
        arguments = [match["number"] or "", match["unit"]] if match else []
    *numbers, unit = arguments
    written = [_number(number) if number else "" for number in numbers]
    name = _unit(unit)
    if name is None or None in written:
        return None
    space = r"\," if any(written) and name and not re.match(r"\\mathrm\{\{\}\^|\\%", name) else ""
    return r"\text{–}".join(map(str, written)) + space + name


def _number(source: str) -> str | None:
    match = _NUMBER.fullmatch(source)
    if not match:
        return None
    digits = re.sub(r"\s+", r"\\,", (match["digits"] or "").strip())
    parts = [match["sign"], digits.replace(",", "{,}")]
    parts += [f"({match['error']})"] if match["error"] else []
    parts += [rf"\pm {match['margin']}"] if match["margin"] else []
    if match["power"]:
        parts.append((r"\times " if digits else "") + f"10^{{{match['power'].lstrip('+')}}}")
    return "".join(parts)


def _unit(source: str) -> str | None:
    tex, place, source = "", 0, source.strip()
    ahead = ""  # a power, for the next unit
    is_begun = False  # True if a space is needed before the next unit
    while place < len(source):
        match = _UNIT_TOKEN.match(source, place)
        if not match or not match[0]:
            return None
        place = match.end()
        name = match["name"]
        if match["power"]:
            tex += f"^{{{match['power']}}}"
        elif match["sign"]:
            tex += "/" if "/" in match["sign"] else (r"\," if is_begun else "")
            is_begun = False
        elif name == "per":
            tex, is_begun = f"{tex}/", False
        elif name in _POWERS:
            tex += _POWERS[name]
        elif name in _POWERS_AHEAD:
            ahead = _POWERS_AHEAD[name]
        elif name in ("tothe", "raiseto") and match["given"]:
            tex += f"^{{{match['given']}}}"
        elif name in _PREFIXES:
            tex += (r"\," if is_begun else "") + _PREFIXES[name]
            is_begun = False
        else:
            symbol = _symbol(name) if name else match["word"].replace("%", r"\%")
            if symbol is None:
                return None
            tex += (r"\," if is_begun else "") + symbol + ahead
            tex += f"^{{{match['after']}}}" if match["after"] else ""
            ahead, is_begun = "", True
    return rf"\mathrm{{{tex}}}"


def _symbol(name: str) -> str | None:
    if name in _UNITS:
        return _UNITS[name]
    short = _SHORT.fullmatch(name)
    return short and (r"\mu " if short[1] == "u" else short[1]) + short[2]
