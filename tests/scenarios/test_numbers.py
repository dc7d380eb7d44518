"""Every acceptance scenario has a test that is named for its number: 1 to 31, scenario_01 to scenario_31."""

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
NUMBERS = range(1, 32)


def _numbers_with_a_test() -> set[int]:
    named = re.compile(r"^ *(?:async )?def test_scenario_(\d\d)_", re.MULTILINE)
    return {int(number) for file in TESTS.rglob("test_*.py") for number in named.findall(file.read_text("utf-8"))}


def test_every_scenario_has_a_test_of_its_number() -> None:
    assert _numbers_with_a_test() == set(NUMBERS)
