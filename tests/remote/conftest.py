"""A loopback NDIF server for the tests of this folder."""

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
