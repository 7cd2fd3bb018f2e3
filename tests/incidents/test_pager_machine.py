"""The pager among anything that can happen, short and the same every time; ``script/prove pager`` is the long one."""

from __future__ import annotations

import pytest

from bench import pager

pytestmark = pytest.mark.django_db


def test_whatever_happens_paging_goes_on_until_somebody_answers():
    pager.live(pager.SEED, 10, steps=25)
