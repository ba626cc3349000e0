"""Fixtures of the trace tests."""

import pytest

from tests.unit.trace.bytecodec import ByteCodec, compose


@pytest.fixture
def codec():
    return ByteCodec()


@pytest.fixture
def trace(codec):
    thought = "\nFirst I count. There are 12 here.\n\nSo the answer is twelve.\n"
    return compose(codec, "How many apples?", thought, "It is 12.")
