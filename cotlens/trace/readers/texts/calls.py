"""Calls of tools within an answer, in the markers of model families: where no server took them out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cotlens._core.data import loads
from cotlens.trace.parts.part import Part
from cotlens.trace.readers.message_fields import call

Found = list[tuple[str, Any, str]]
"""Name, arguments and id of each call between two markers; none where that is no call."""


def called(text: str) -> list[Part]:
    """An answer and the calls in it, in their order; what only looks like a call is text like any other."""
    for opens, closes, reader in _MARKED:
        if opens in text:
            found = list(_split(text, opens, closes, reader))
            if any(part.kind == "tool_call" for part in found):
                return found
    return [Part("answer", text)]


def _split(text: str, opens: str, closes: str, reader: Callable[[str], Found]) -> Iterator[Part]:
    at = said = 0
    while (start := text.find(opens, at)) >= 0:
        inside = start + len(opens)
        end = text.find(closes, inside) if closes else len(text)
        if end < 0:
            break
        at = end + len(closes)
        calls = reader(text[inside:end].strip())
        if calls:
            yield from _answer(text[said:start])
            yield from (call(name, given, id) for name, given, id in calls)
            said = at
    yield from _answer(text[said:])


_AROUND = re.compile(r"<\|tool_calls_section_(?:begin|end)\|>|<｜(?:tool▁calls▁(?:begin|end)|end▁of▁sentence)｜>")


def _answer(text: str) -> Iterator[Part]:
    said = _AROUND.sub("", text).strip()
    if said:
        yield Part("answer", said)


def _json(text: str) -> Any:
    try:
        return loads(text)
    except ValueError:
        return None


def _objects(text: str) -> Found:
    """Objects with a name and arguments, one or a list, as JSON."""
    data = _json(text)
    found: Found = []
    for one in data if isinstance(data, list) else [data]:
        name = (one.get("name") or one.get("tool_name")) if isinstance(one, Mapping) else None
        if not isinstance(name, str):
            return []
        given: Any = next((one[key] for key in ("arguments", "parameters", "args") if key in one), {})
        found.append((name, given, str(one.get("id") or one.get("tool_call_id") or "")))
    return found


_FUNCTION = re.compile(r"<function=([^>\n]{1,200})>(.*?)(?:</function>|\Z)", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=([^>\n]{1,200})>\n?(.*?)\n?</parameter>", re.DOTALL)
_INVOKE = re.compile(r'<invoke name="([^"\n]{1,200})">(.*?)</invoke>', re.DOTALL)
_NAMED = re.compile(r'<parameter name="([^"\n]{1,200})"[^>\n]{0,100}>\n?(.*?)\n?</parameter>', re.DOTALL)
_KEYED = re.compile(r"<arg_key>([^<]{1,200})</arg_key>\s*<arg_value>(.*?)</arg_value>", re.DOTALL)
_LISTED = re.compile(
    r"([\w.\-]{1,200})(?:\[CALL_ID\]([\w\-]{1,100}))?\[ARGS\](\{.*?\})\s*(?=\[TOOL_CALLS\]|\Z)", re.DOTALL
)
_NUMBERED = re.compile(r"(?:functions\.)?([\w.\-]{1,200}):(\d+)\s*<\|tool_call_argument_begin\|>(.*)", re.DOTALL)
_FENCED = re.compile(
    r"(?:function<｜tool▁sep｜>)?([^\n<]{1,200})(?:<｜tool▁sep｜>|\n```json\n)(.*?)(?:\n```)?", re.DOTALL
)


def _values(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Arguments that were written one by one: JSON where they are, else text."""
    found = {name.strip(): (_json(value), value) for name, value in pairs}
    return {name: value if data is None else data for name, (data, value) in found.items()}


def _tagged(text: str) -> Found:
    """One call between `<tool_call>`: JSON (Hermes, Qwen), tags (Qwen Coder), or keys and values (GLM)."""
    if "<function=" in text:
        return [(name.strip(), _values(_PARAMETER.findall(body)), "") for name, body in _FUNCTION.findall(text)]
    name = re.split(r"[\n<]", text, maxsplit=1)[0].strip()
    if re.fullmatch(r"[\w.\-]{1,200}", name):
        return [(name, _values(_KEYED.findall(text)), "")]
    return _objects(text)


def _invoked(text: str) -> Found:
    return [(name, _values(_NAMED.findall(body)), "") for name, body in _INVOKE.findall(text)]


def _listed(text: str) -> Found:
    """What Mistral's models write to the end: a list of objects, or names with their arguments."""
    return _objects(text) or [(name, given, id) for name, id, given in _LISTED.findall(text)]


def _numbered(text: str) -> Found:
    found = _NUMBERED.fullmatch(text)
    return [(found[1], found[3], f"functions.{found[1]}:{found[2]}")] if found else []


def _fenced(text: str) -> Found:
    found = _FENCED.fullmatch(text)
    return [(found[1].strip(), found[2].strip(), "")] if found else []


_MARKED: tuple[tuple[str, str, Callable[[str], Found]], ...] = (
    ("<tool_call>", "</tool_call>", _tagged),
    ("<minimax:tool_call>", "</minimax:tool_call>", _invoked),
    ("<function_calls>", "</function_calls>", _invoked),
    ("[TOOL_CALLS]", "", _listed),
    ("<|tool_call_begin|>", "<|tool_call_end|>", _numbered),  # Kimi
    ("<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>", _fenced),  # DeepSeek
    ("<|START_ACTION|>", "<|END_ACTION|>", _objects),  # Command A
    ("<|python_tag|>", "", _objects),  # Llama
)
"""What opens a call, what closes it ("" where it goes on to the end), and who reads what stands between."""
