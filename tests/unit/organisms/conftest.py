import pytest

from cotlens.organisms import store


@pytest.fixture(scope="session")
def tokenizer():
    return store.load_tokenizer()
