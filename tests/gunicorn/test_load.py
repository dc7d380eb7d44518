"""benchmarks/load.py: whole visits reach their end on gunicorn with its worker, and every promise holds afterwards."""

import pytest

from benchmarks import load
from tests.conftest import IS_CI

pytestmark = pytest.mark.gunicorn


def test_a_few_visitors_find_what_they_want_and_nothing_is_broken() -> None:
    if not load.LOCUST.exists() and not IS_CI:
        pytest.skip("`make load` puts locust in place")
    (step,), broken = load.measure([4], 25)

    assert broken == ""
    assert step.a_second > 0.5
    assert step.failed <= step.a_second * 25 / 10  # somebody was faster, or the machine is full: not the rule
    assert 0 < step.p50 <= step.p95 <= step.p99
    assert step.busy["web"] > 0
