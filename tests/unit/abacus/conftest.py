import pytest

from cotlens.models.abacus import store


@pytest.fixture(scope="session")
def tokenizer():
    return store.load_tokenizer()
