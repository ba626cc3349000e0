"""`cotlens lab` copies the notebooks without ever overwriting a reader's own."""

import pytest

import cotlens
from cotlens import __main__ as command


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    """An installed package (no checkout around it) with a notebook and a chapter inside, run in an empty folder."""
    source = tmp_path / "site-packages" / "cotlens" / "_lab"
    (source / "notebooks" / "data").mkdir(parents=True)
    (source / "notebooks" / "quickstart.ipynb").write_text("new")
    (source / "notebooks" / "data" / "trace.json").write_text("{}")
    (source / "tutorials" / "solutions").mkdir(parents=True)
    (source / "tutorials" / "1_first.ipynb").write_text("one")
    (source / "tutorials" / "solutions" / "1_first.py").write_text("solved")
    monkeypatch.setattr(command, "PACKAGE", source.parent)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_notebooks_and_tutorials_are_copied(packaged):
    folder = command.prepare(None)
    assert folder == packaged / "cotlens-notebooks"
    assert (folder / "notebooks" / "quickstart.ipynb").read_text() == "new"
    assert (folder / "notebooks" / "data" / "trace.json").read_text() == "{}"
    assert (folder / "tutorials" / "1_first.ipynb").read_text() == "one"
    assert (folder / "tutorials" / "solutions" / "1_first.py").read_text() == "solved"
    assert (folder / command.FIRST).is_file()


def test_a_changed_copy_is_kept_and_named(packaged, capsys):
    mine = packaged / "elsewhere" / "notebooks" / "quickstart.ipynb"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    command.prepare(packaged / "elsewhere")
    assert mine.read_text() == "mine"
    assert f"kept as it is: {mine}" in capsys.readouterr().out


def test_a_checkout_is_opened_in_place():
    assert command.prepare(None) == command.PACKAGE.parent
    assert (command.PACKAGE.parent / command.FIRST).is_file()


@pytest.mark.parametrize("number", [1, 6])
def test_a_chapter_is_opened(number, monkeypatch):
    opened = {}
    monkeypatch.setattr(command, "serve", lambda folder, first, **_: opened.update(folder=folder, first=first) or 0)
    assert command.main(["lab", "--chapter", str(number), "--no-browser"]) == 0
    assert opened["first"].startswith(f"tutorials/{number}_")
    assert (opened["folder"] / opened["first"]).is_file()


def test_without_a_chapter_the_quickstart_is_opened(packaged, monkeypatch):
    opened = []
    monkeypatch.setattr(command, "serve", lambda folder, first, **_: opened.append(first) or 0)
    command.main(["lab"])
    assert opened == ["notebooks/quickstart.ipynb"]


def test_a_chapter_that_is_not_there_is_one_sentence(packaged, capsys):
    with pytest.raises(SystemExit):
        command.main(["lab", "--chapter", "9"])
    assert capsys.readouterr().err == "cotlens lab: There is no chapter 9. Choose one of 1.\n"


def test_a_folder_that_cannot_be_made_is_one_sentence(packaged, capsys):
    (packaged / "file").write_text("")
    with pytest.raises(SystemExit):
        command.main(["lab", "--dir", str(packaged / "file")])
    assert "Name another folder with --dir" in capsys.readouterr().err


def test_notebooks_that_are_saved_keep_their_widgets(monkeypatch, tmp_path):
    """As JupyterLab's own server reads its defaults, which a reader's settings go before."""
    from jupyterlab.labapp import LabApp
    from jupyterlab_server.settings_utils import _get_overrides

    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path))
    monkeypatch.setattr(LabApp, "launch_instance", lambda arguments: None)
    command.serve(tmp_path, command.FIRST, browser=False, port=None)
    defaults, _ = _get_overrides(str(tmp_path))
    assert defaults["@jupyter-widgets/jupyterlab-manager:plugin"] == {"saveState": True}


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
