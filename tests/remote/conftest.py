"""The loopback servers of this folder's tests: one of NDIF's protocol, one that speaks as vLLM does."""

import pytest


@pytest.fixture(scope="session")
def running():
    """The server; NDIF_API_KEY holds a key for it."""
    from tests.remote.loopback import KEY, served

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NDIF_API_KEY", KEY)
        yield served()


@pytest.fixture
def loopback(running):
    """The server without any fault."""
    running.set(faults=[], wants=None, sockets=True, pause=0.5)
    return running


@pytest.fixture(scope="module")
def served():
    """A tiny model on a server that speaks as vLLM does: the server and its address."""
    from tests.model import tiny
    from tests.remote.dialect_server import Dialect, serving

    server = Dialect(tiny.pair("qwen3"))
    with serving(server) as url:
        yield server, url


@pytest.fixture(scope="module")
def model(served):
    """The client's side of it."""
    from tests.remote.endpoint import connect

    return connect(served[1])


@pytest.fixture
def server(served):
    """That server, put back as it was afterwards."""
    yield served[0]
    served[0].reset()
