"""What must be installed, what an extra brings, and that a missing extra is said in one sentence that names it."""

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = {name: given for name, given in PROJECT["optional-dependencies"].items() if name != "dev"}
NO_EXTRA = {"vllm"}  # installed by who has a GPU for it; `models/embedded/` says how where it is missing
MOST = 10

# Whatever an extra alone brings is not to be found, as where nobody has asked for it.
BARE = """
import json, sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {missing} else super().find_spec(name, path, target)

sys.meta_path[:] = [Without if finder is PathFinder else finder for finder in sys.meta_path]

import cotlens as cl
from cotlens import export
from cotlens.__main__ import main
from cotlens.measure.probes import fitting
from cotlens.measure.survey import on_ray

import numpy as np

for name in cl.__all__:
    getattr(cl, name)
open("log.json", "w").write("{{}}")
open("model.gguf", "wb").write(b"GGUF")
model = cl.load("abacus")
trace = model.reason("Tom has 3 apples. He buys 4 more. How many apples does Tom have?")
result = cl.importance.EarlyAnswer().run(trace, model)
result.save_table("table.csv")
result.save_table("table.tex")
result.figure().save("figure.svg")
view = cl.ImportanceMap(result, trace=trace)
view.to_html("page.html")
patterns = {{(0, 0): np.ones((len(trace.tokens), len(trace.tokens)))}}
ways = {{
    "chart": result.chart,
    "figure.pdf": lambda: result.figure().save("figure.pdf"),
    "figure.png": lambda: result.figure().save("figure.png"),
    "attention": lambda: cl.attention_patterns(trace.tokens, patterns),
    "parquet": lambda: result.save_table("table.parquet"),
    "export": lambda: export.to_html("notebook.ipynb"),
    "gguf": lambda: cl.load("model.gguf"),
    "quantised": lambda: cl.load("some/model", quantization="8bit"),
    "spread": lambda: cl.load("some/model", device_map="auto"),
    "sae": lambda: cl.features.load_sae("some-release", "some-id"),
    "embed": lambda: cl.importance.Counterfactual(embedder="all-MiniLM-L6-v2").run(trace, model),
    "inspect": lambda: cl.read_inspect("log.json"),
    "probes": lambda: fitting.estimator("ridge", "class"),
    "ray": lambda: on_ray._imported(),
}}
said = {{"measured": len(result)}}
for name, way in ways.items():
    try:
        said[name] = f"{{way()!r}} was given"
    except cl.CotLensError as error:
        said[name] = str(error)
try:
    main(["lab"])
except SystemExit as end:
    said["lab"] = end.code
print("said:" + json.dumps(said))
"""
NEEDS = {
    "chart": "plots",
    "figure.pdf": "plots",
    "figure.png": "plots",
    "attention": "plots",
    "parquet": "parquet",
    "export": "lab",
    "gguf": "gguf",
    "quantised": "gpu",
    "spread": "gpu",
    "sae": "sae",
    "embed": "embed",
    "inspect": "inspect",
    "probes": "probes",
    "ray": "ray",
}


def names(requirements: list[str]) -> set[str]:
    """The projects that these name, where their markers hold."""
    found = [Requirement(each) for each in requirements]
    return {canonicalize_name(r.name) for r in found if r.marker is None or r.marker.evaluate({"extra": ""})}


def always() -> set[str]:
    """What is there wherever CoTLens is: what it requires, and what that brings."""
    found, left = set[str](), names(PROJECT["dependencies"])
    while left:
        found |= left
        left = {name for each in left for name in names(of(each))} - found
    return found


def of(project: str) -> list[str]:
    """What a project requires; nothing where it isn't installed here, which a marker may be right to say."""
    try:
        return requires(project) or []
    except PackageNotFoundError:
        return []


def imported() -> Iterator[tuple[str, str, bool]]:
    """(file, package, whether it is imported with the file) of every import of another's package."""
    for path in sorted((ROOT / "cotlens").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        typing = [
            node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        ]
        unseen = {id(node) for block in typing for node in ast.walk(block)}
        for node in ast.walk(tree):
            if id(node) in unseen or not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [name.name for name in node.names]
            for root in {module.partition(".")[0] for module in modules}:
                if root not in sys.stdlib_module_names and root not in {"cotlens", *NO_EXTRA}:
                    yield str(path.relative_to(ROOT)), root, node in tree.body


PLUGINS = {"cotlens/export/exporters.py": {"nbconvert"}}
"""What a module is loaded by, so that it is there."""


def test_what_is_required_is_short():
    assert len(PROJECT["dependencies"]) <= MOST


def test_what_is_imported_is_always_there_or_an_extras():
    """What an extra brings is never imported with a module: without it, the rest works."""
    projects, there = packages_distributions(), always()
    extra = {name for given in EXTRAS.values() for name in names(given)} - there
    for file, package, at_once in imported():
        mine = {canonicalize_name(name) for name in projects.get(package, [package])}
        allowed = there if at_once else there | extra | {"nbformat", "nbconvert"}  # with JupyterLab
        allowed |= PLUGINS.get(file, set())
        assert mine & allowed, f"{file} imports {package}, which neither the package nor an extra brings"


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a process says whose extras are missing."""
    there = always()
    extra = {name for given in EXTRAS.values() for name in names(given)} | {"nbformat", "nbconvert"}
    missing = {
        module for module, by in packages_distributions().items() if {*map(canonicalize_name, by)} & extra - there
    }
    assert {"altair", "jupyterlab"} <= missing
    home = tmp_path_factory.mktemp("bare")
    ran = subprocess.run(
        [sys.executable, "-c", BARE.format(missing=missing)], cwd=home, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout.partition("said:")[2])
    return {**told, "lab.sentence": ran.stderr}


def test_without_any_extra_it_measures(said):
    assert int(said["measured"]) > 10


@pytest.mark.parametrize(("way", "extra"), NEEDS.items())
def test_a_missing_extra_is_named_in_one_sentence(said, way, extra):
    assert f"pip install 'cotlens[{extra}]'" in said[way]
    assert "not installed" in said[way] and said[way].count("\n") == 0


def test_without_jupyterlab_the_command_says_so(said):
    assert said["lab"] == 2
    assert "needs jupyterlab, which is not installed; run pip install 'cotlens[lab]'" in said["lab.sentence"]
