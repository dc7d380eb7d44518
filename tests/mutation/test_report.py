"""The judge of the mutants: it must not be possible to pass by accident."""

from collections import Counter
from pathlib import Path

import pytest

from tests.mutation import report
from tests.mutation.report import Results, judge, percent, read_reasons, write_page
from tests.support import figures

GOOD = Counter(killed=95, timeout=1, survived=4)
LIVING = ("a.py f: x = 1", "a.py f: x = 2")
REASONS = dict.fromkeys(LIVING, "It makes no difference.")


def test_a_good_score_with_a_reason_for_each_survivor_passes() -> None:
    assert judge(Results({"a.py": GOOD}, LIVING), REASONS) == []


def test_a_survivor_without_a_reason_is_named() -> None:
    problems = judge(Results({"a.py": GOOD}, (*LIVING, "a.py g: return None")), REASONS)

    assert problems == ["No test notices, and no reason is given: a.py g: return None"]


def test_a_reason_without_its_survivor_is_named() -> None:
    problems = judge(Results({"a.py": GOOD}, LIVING[:1]), REASONS)

    assert problems == ["A reason is given for a mutant that does not live: a.py f: x = 2"]


def test_each_file_must_reach_the_score_by_itself() -> None:
    low = Counter({"killed": 899, "survived": 90, "no tests": 11})

    (problem,) = judge(Results({"a.py": GOOD, "b.py": low}, LIVING), REASONS)

    assert problem == "b.py: 89.9 % of its mutants are killed; 90 % is asked for"


@pytest.mark.parametrize("outcome", ["not checked", "suspicious", "check was interrupted by user"])
def test_a_run_that_did_not_try_them_all_does_not_pass(outcome: str) -> None:
    results = Results({"a.py": GOOD + Counter({outcome: 1})}, LIVING)

    assert judge(results, REASONS) == ["Not every mutant was tried: run again with --keep."]


def test_no_mutants_at_all_are_no_success() -> None:
    assert judge(Results({}, ()), {}) == ["Not every mutant was tried: run again with --keep."]


def test_a_score_is_never_rounded_up_to_the_goal() -> None:
    assert percent(Counter(killed=8_999, survived=1_001)) == 89.9


def test_the_page_tells_each_survivor_under_its_reason(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Before.\n<!-- survivors begin -->\nold\n<!-- survivors end -->\nAfter.\n", "utf-8")

    write_page(Results({"a.py": GOOD}, LIVING), REASONS, page)

    text = figures.block(page.read_text("utf-8"), "survivors")
    assert "| a.py | 100 | 96 | 96.0 % |\n| All | 100 | 96 | 96.0 % |" in text
    assert text.endswith("### It makes no difference.\n\n- `a.py f: x = 1`\n- `a.py f: x = 2`\n")


def test_every_reason_on_the_list_is_a_sentence_and_names_code_that_is_there() -> None:
    for mutant, why in read_reasons().items():
        file, _, rest = mutant.partition(" ")
        function = rest.partition(":")[0].rpartition(".")[2]
        assert why.endswith("."), mutant
        assert f"def {function}(" in (figures.PAGE.parents[1] / file).read_text("utf-8"), mutant


def test_a_mutants_place_is_told_as_people_name_it() -> None:
    assert report._function("booking.domain.dates.xǁStayǁoverlaps__mutmut_2") == "Stay.overlaps"
    assert report._function("booking.services.settlement.x__find_attempt__mutmut_6") == "_find_attempt"
