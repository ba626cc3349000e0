"""`cotlens lab` copies the notebooks without ever overwriting a reader's own."""

import pytest

import cotlens
from cotlens import __main__ as command


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    """An installed package (no checkout around it) with two notebooks inside, run in an empty folder."""
    source = tmp_path / "site-packages" / "cotlens" / "_notebooks"
    (source / "data").mkdir(parents=True)
    (source / "quickstart.ipynb").write_text("new")
    (source / "data" / "trace.json").write_text("{}")
    monkeypatch.setattr(command, "PACKAGE", source.parent)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_notebooks_are_copied(packaged):
    folder = command.prepare(None)
    assert folder == packaged / "cotlens-notebooks"
    assert (folder / "quickstart.ipynb").read_text() == "new"
    assert (folder / "data" / "trace.json").read_text() == "{}"


def test_a_changed_copy_is_kept_and_named(packaged, capsys):
    mine = packaged / "elsewhere" / "quickstart.ipynb"
    mine.parent.mkdir()
    mine.write_text("mine")
    command.prepare(mine.parent)
    assert mine.read_text() == "mine"
    assert f"kept as it is: {mine}" in capsys.readouterr().out


def test_a_checkout_is_opened_in_place():
    assert command.prepare(None) == command.PACKAGE.parent / "notebooks"


def test_a_folder_that_cannot_be_made_is_one_sentence(packaged, capsys):
    (packaged / "file").write_text("")
    with pytest.raises(SystemExit):
        command.main(["lab", "--dir", str(packaged / "file")])
    assert "Name another folder with --dir" in capsys.readouterr().err


def test_the_version(capsys):
    with pytest.raises(SystemExit):
        command.main(["--version"])
    assert capsys.readouterr().out == f"cotlens {cotlens.__version__}\n"


@pytest.mark.parametrize(
    ("platform", "variables", "root", "expected"),
    [
        ("linux", {}, False, False),
        ("linux", {"DISPLAY": ":0"}, False, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, False, True),
        ("linux", {"DISPLAY": ":0"}, True, False),
        ("darwin", {}, False, True),
    ],
)
def test_a_browser_opens_only_where_it_can(monkeypatch, platform, variables, root, expected):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(command.sys, "platform", platform)
    monkeypatch.setattr(command, "is_root", lambda: root)
    assert command.has_display() is expected
