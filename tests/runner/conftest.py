"""Fixtures of the runner's tests."""

from __future__ import annotations

import pytest

from tests.runner.place import installed, load


@pytest.fixture(scope="session")
def runner():
    """The runner's module."""
    return load()


@pytest.fixture
def here():
    with installed() as both:
        yield both


@pytest.fixture
def muster(here):
    return here[0]


@pytest.fixture
def place(here):
    return here[1]
