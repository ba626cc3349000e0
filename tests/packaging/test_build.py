"""What is built: an sdist that carries the bundles, a wheel of it with all data, and no wheel without bundles.

The wheel is built from the unpacked sdist with npm's registry out of reach, as on a cluster.
"""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WIDGETS = sorted(path.parent.name for path in (ROOT / "widgets").glob("*/index.ts"))
BUNDLES = {f"cotlens/widgets/static/{name}.{end}" for name in WIDGETS for end in ("js", "css")}


def build(kind: str, source: Path, out: Path) -> subprocess.CompletedProcess:
    offline = {
        "npm_config_registry": "http://127.0.0.1:9",
        "npm_config_fetch_retries": "0",
        "npm_config_cache": str(out / "npm-cache"),
    }
    return subprocess.run(
        [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(out), str(source)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, **(offline if kind == "wheel" else {})},
    )


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked sdist of this checkout."""
    out = tmp_path_factory.mktemp("sdist")
    result = build("sdist", ROOT, out)
    assert result.returncode == 0, result.stdout + result.stderr
    with tarfile.open(next(out.glob("*.tar.gz"))) as archive:
        archive.extractall(out, filter="data")
    return next(path for path in out.iterdir() if path.is_dir())


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the sdist."""
    out = tmp_path_factory.mktemp("wheel")
    before = {name: (sdist / name).stat().st_mtime_ns for name in BUNDLES}
    result = build("wheel", sdist, out)
    assert result.returncode == 0, result.stdout + result.stderr
    assert {name: (sdist / name).stat().st_mtime_ns for name in BUNDLES} == before, "fresh bundles were built again"
    assert not (sdist / "widgets" / "node_modules").exists()
    return next(out.glob("*.whl"))


def test_the_sdist_carries_sources_and_bundles(sdist):
    files = {str(path.relative_to(sdist)) for path in sdist.rglob("*") if path.is_file()}
    assert files >= BUNDLES | {"widgets/package-lock.json", "hatch_build.py", "LICENSE", "Makefile", "constraints.txt"}
    assert not any("node_modules" in name for name in files)


def test_the_wheel_has_everything_a_user_needs(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert names >= BUNDLES | {"cotlens/py.typed", "cotlens/_lab/notebooks/quickstart.ipynb"}
    chapters = {f"cotlens/_lab/tutorials/{path.name}" for path in (ROOT / "tutorials").glob("[1-9]_*.ipynb")}
    assert chapters
    assert names >= chapters | {"cotlens/_lab/tutorials/README.md"}
    weights = {str(p.relative_to(ROOT)) for p in (ROOT / "cotlens/organisms/weights").glob("*.safetensors")}
    assert weights
    assert names >= weights
    folders = {name.split("/")[0] for name in names}
    assert {f for f in folders if not f.endswith(".dist-info")} == {"cotlens"}


def test_the_installed_package_finds_its_notebooks(wheel, tmp_path):
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    code = "import cotlens.__main__ as m; print(m.__file__); print(m.prepare(None))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        check=True,
    )
    assert result.stdout.splitlines() == [str(site / "cotlens" / "__main__.py"), str(tmp_path / "cotlens-notebooks")]
    assert (tmp_path / "cotlens-notebooks" / "notebooks" / "quickstart.ipynb").exists()


def test_no_wheel_without_bundles(sdist, wheel, tmp_path):
    # After `wheel`, whose sdist this spoils.
    for name in BUNDLES:
        (sdist / name).unlink()
    result = build("wheel", sdist, tmp_path)
    assert result.returncode != 0
    assert not list(tmp_path.glob("*.whl"))
