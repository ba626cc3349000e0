"""Writes widgets/*/protocol.ts, the TypeScript half of cotlens/widgets/protocol: types only, so nothing of a bundle.

    python tools/write_protocol.py

Traits come from the view (`cotlens/widgets/<name>.py`), all else from `cotlens/widgets/protocol/<name>.py`. Both are
read as text: at run time `Role = Literal[...]` has no name any more, and strings under a field would be gone.
`tools/check_front_end.py` says which files differ from what this would write.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VIEWS = ROOT / "cotlens" / "widgets"

NAMES = {
    "str": "string", "int": "number", "float": "number", "bool": "boolean", "bytes": "DataView", "None": "null",
    "Never": "never",
}  # fmt: skip
TRAITS = {"Bytes": "DataView", "Unicode": "string", "Bool": "boolean"}
DICTS = ("Dict", "SelectedTrait")
MANY = "[]"


def written() -> dict[Path, str]:
    """Every file with its text as it should be."""
    files = {ROOT / "widgets" / "kit" / "protocol.ts": _file("shared", None)}
    for module in sorted((VIEWS / "protocol").glob("*.py")):
        if module.stem not in ("__init__", "shared"):
            files[ROOT / "widgets" / module.stem / "protocol.ts"] = _file(module.stem, VIEWS / module.name)
    return files


def stale() -> list[str]:
    """The files that differ from what would be written, or are missing."""
    texts = (
        (path, path.read_text(encoding="utf-8") if path.is_file() else "", text) for path, text in written().items()
    )
    return [str(path.relative_to(ROOT)) for path, now, text in texts if now != text]


def _file(name: str, view: Path | None) -> str:
    shapes = _parsed(VIEWS / "protocol" / f"{name}.py")
    sources = f"cotlens/widgets/protocol/{name}.py" + ("" if view is None else f" and cotlens/widgets/{name}.py")
    declared = [part for statement, doc in _with_docs(shapes.body) for part in _declaration(statement, doc)]
    traits = [] if view is None else _state(_parsed(view))
    body = [*declared, *traits]
    head = f"// Written by tools/write_protocol.py from {sources}: change those."
    return "\n\n".join([head, *_imports(shapes, body), *body]) + "\n"


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(shapes: ast.Module, body: Sequence[str]) -> list[str]:
    """What comes from the kit: the names that are imported from `shared`, and those that the traits need."""
    known = {name for statement in _parsed(VIEWS / "protocol" / "shared.py").body for name in _named(statement)}
    own = {name for statement in shapes.body for name in _named(statement)}
    used = {word for part in body for word in _words(part)}
    if names := sorted((known - own) & used):
        return [f'import type {{ {", ".join(names)} }} from "../kit/protocol";']
    return []


def _words(typescript: str) -> list[str]:
    """Names in TypeScript, without those in its comments."""
    code = "".join(line for line in typescript.splitlines() if not line.lstrip().startswith(("/**", "*")))
    return "".join(char if char.isalnum() or char == "_" else " " for char in code).split()


def _named(statement: ast.stmt) -> list[str]:
    """The name that a statement declares."""
    if isinstance(statement, ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.AnnAssign):
        return [ast.unparse(statement.target)]
    return [ast.unparse(target) for target in statement.targets] if isinstance(statement, ast.Assign) else []


def _with_docs(body: Sequence[ast.stmt]) -> Iterator[tuple[ast.stmt, str]]:
    """Statements with the string that stands under each."""
    for statement, below in zip(body, [*body[1:], ast.Pass()], strict=True):
        text = below.value.value if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else ""
        yield statement, " ".join(str(text).split())


def _declaration(statement: ast.stmt, doc: str) -> Iterator[str]:
    """A class, an alias or the table of requests in TypeScript; nothing for any other statement."""
    if isinstance(statement, ast.ClassDef):
        bases = [ast.unparse(one) for one in statement.bases]
        base = "".join(f" extends {one}" for one in bases if one != "TypedDict")
        doc = " ".join((ast.get_docstring(statement) or "").split())
        fields = [
            _field(one.target.id, one.annotation, said)
            for one, said in _with_docs(statement.body)
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
        ]
        yield _interface(statement.name + base, fields, doc)
    elif names := _named(statement):
        value = statement.value  # type: ignore[attr-defined]
        if isinstance(value, ast.Dict):
            yield _comment(doc) + "export type Request =" + "".join(map(_request, value.keys, value.values)) + ";"
        elif isinstance(value, ast.Call):  # TypedDict("Name", {...}), where a field is a keyword of Python
            shape = value.args[1]
            yield _interface(names[0], [_field(*each) for each in _pairs(shape)], doc)
        else:
            yield f"{_comment(doc)}export type {names[0]} = {_type(value)};"


def _interface(head: str, fields: Sequence[str], doc: str) -> str:
    return _comment(doc) + f"export interface {head} {{\n" + "".join(f"{each}\n" for each in fields) + "}"


def _request(kind: ast.expr | None, fields: ast.expr) -> str:
    given = "".join(f"; {_field(name, wanted).strip(' ;')}" for name, wanted in _pairs(fields))
    return f"\n  | {{ kind: {_type(kind)}{given} }}"


def _pairs(table: ast.expr) -> list[tuple[str, ast.expr]]:
    assert isinstance(table, ast.Dict)
    return [(str(ast.literal_eval(key)), value) for key, value in zip(table.keys, table.values, strict=True) if key]


def _field(name: str, annotation: ast.expr, doc: str = "") -> str:
    left_out = isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "NotRequired"
    wanted = annotation.slice if left_out and isinstance(annotation, ast.Subscript) else annotation
    said = f"  {_comment(doc)}" if doc else ""
    return f"{said}  {name}{'?' if left_out else ''}: {_type(wanted)};"


def _comment(doc: str) -> str:
    return f"/** {doc} */\n" if doc else ""


def _state(view: ast.Module) -> list[str]:
    """The synced traits of a view, as they arrive: its own, and those that every view has."""
    (made,) = (one for one in view.body if isinstance(one, ast.ClassDef) and ast.unparse(one.bases[0]).endswith("View"))
    every = next(one for one in _parsed(VIEWS / "shared" / "bundles.py").body if getattr(one, "name", "") == "View")
    assert isinstance(every, ast.ClassDef)
    traits = [
        _trait(_named(one)[0], one.value)
        for one in (*made.body, *every.body)
        if isinstance(one, ast.Assign) and "sync=True" in ast.unparse(one.value) and isinstance(one.value, ast.Call)
        if not _named(one)[0].startswith("_")
    ]
    return [_interface("State", traits, "The synced traits, as they arrive. {} is what is absent.")]


def _trait(name: str, tag: ast.Call) -> str:
    """`t.Dict(...).tag(sync=True, shape=Shape)` as a field: {} where there is nothing, unless it may be None."""
    assert isinstance(tag.func, ast.Attribute) and isinstance(tag.func.value, ast.Call)
    made = tag.func.value
    kind = ast.unparse(made.func).removeprefix("t.")
    shape = next((_type(one.value) for one in tag.keywords if one.arg == "shape"), "")
    if kind == "List":
        return f"  {name}: {shape}{MANY};"
    if kind not in DICTS:
        return f"  {name}: {TRAITS[kind]};"
    nothing = "" if shape.startswith("Record<") else " | null" if "allow_none=True" in ast.unparse(made) else " | Empty"
    return f"  {name}: {shape}{nothing};"


def _type(node: ast.expr | None) -> str:
    """An annotation in TypeScript."""
    if isinstance(node, ast.Name):
        return NAMES.get(node.id, node.id)
    if isinstance(node, ast.Constant):
        return "null" if node.value is None else f'"{node.value!s}"'
    if isinstance(node, ast.BinOp):
        return f"{_type(node.left)} | {_type(node.right)}"
    if isinstance(node, ast.Subscript):
        inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return _generic(ast.unparse(node.value), [_type(each) for each in inside])
    raise ValueError(f"{ast.unparse(node) if node else node} has no form in TypeScript here: teach {__file__} one.")


def _generic(name: str, inside: list[str]) -> str:
    if name == "list":
        return f"({inside[0]}){MANY}" if " | " in inside[0] else f"{inside[0]}{MANY}"
    forms = {"Literal": " | ".join(inside), "tuple": f"[{', '.join(inside)}]", "dict": f"Record<{', '.join(inside)}>"}
    return forms[name]


def main() -> None:
    """Write every file that differs."""
    for path, text in written().items():
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
