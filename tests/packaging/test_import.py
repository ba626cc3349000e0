"""`import cotlens` is quick and loads no heavy package; every public name exists."""

import json
import subprocess
import sys

HEAVY = ["torch", "transformers", "nnsight", "pandas", "altair", "anywidget", "ipywidgets", "jupyterlab", "circuitsvis"]

PROBE = f"""
import json, sys
before = set(sys.modules)
import cotlens
loaded = set(sys.modules) - before
print(json.dumps({{"loaded": sorted(loaded), "heavy": [n for n in {HEAVY} if n in loaded]}}))
"""


def fresh(code: str) -> str:
    """What `code` prints in a new Python process."""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_import_is_quick_and_light():
    """The seconds are those of the machine; what they go with is the number of modules."""
    probe = json.loads(fresh(PROBE))
    assert probe["heavy"] == []
    assert len(probe["loaded"]) < 100, probe["loaded"]  # some forty, most of them the standard library's


def test_every_public_name_loads():
    names = json.loads(
        fresh("import cotlens, json; print(json.dumps([n for n in cotlens.__all__ if getattr(cotlens, n) is None]))")
    )
    assert names == []


def test_an_unknown_name_is_an_attribute_error():
    assert "AttributeError" in fresh(
        "import cotlens\ntry: cotlens.CotEditor\nexcept AttributeError as e: print('AttributeError', e)"
    )


def test_asynchronous_requests_work_after_nnsight_is_loaded():
    code = (
        "import asyncio, cotlens, cotlens.models.load, nnsight, httpx\n"
        "async def ask():\n"
        "    async with httpx.AsyncClient() as client:\n"
        "        await client.get('http://127.0.0.1:9/')\n"
        "try: asyncio.run(ask())\n"
        "except httpx.ConnectError: print('asked')"
    )
    assert "asked" in fresh(code)
