"""Every controller stands where a widget may: in each container of ipywidgets, and in a cell's last line."""

import inspect

import ipywidgets
import numpy as np
import pytest

import cotlens as cl

LAYOUTS = ["TwoByTwoLayout", "AppLayout"]


def containers():
    """The containers of this ipywidgets that take a list of children."""
    found = [each for _, each in inspect.getmembers(ipywidgets, inspect.isclass) if issubclass(each, ipywidgets.Box)]
    return [each for each in found if each.__name__ not in (*LAYOUTS, "GridspecLayout", "interactive")]


@pytest.fixture(params=["CoTEditor", "SteeringPanel", "FeatureTable"])
def controller(request, abacus, given, tmp_path, monkeypatch):
    monkeypatch.setenv("COTLENS_STORE", str(tmp_path / "rollouts.sqlite"))
    sae = cl.features.load_sae("abacus")
    vector = cl.steering.given(np.ones(sae.config.d_in), 1)
    more = {"CoTEditor": (), "SteeringPanel": (vector,), "FeatureTable": (sae,)}[request.param]
    made = getattr(cl, request.param)(abacus, given, *more)
    yield made
    made.cancel()
    assert made.wait(60)


def test_every_container_takes_it(controller):
    wanted = f"IPY_MODEL_{controller.view.model_id}"
    assert len(containers()) >= 6
    for container in containers():
        box = container([controller])
        assert box.get_state("children")["children"] == [wanted], container
        box.children = [*box.children, controller.view]
        assert box.get_state("children")["children"] == [wanted, wanted], container
    grid = ipywidgets.GridspecLayout(1, 2)
    grid[0, 0] = controller
    placed = [grid, ipywidgets.AppLayout(center=controller), ipywidgets.TwoByTwoLayout(top_left=controller)]
    assert all(wanted in each.get_state("children")["children"] for each in placed)


def test_it_is_displayed_as_its_view(controller):
    shown, view = controller._repr_mimebundle_(), controller.view._repr_mimebundle_()
    name = "application/vnd.jupyter.widget-view+json"
    of = lambda bundle: (bundle[0] if isinstance(bundle, tuple) else bundle)[name]  # noqa: E731
    assert of(shown) == of(view)
