"""For mutmut's runs alone (`-p` in pyproject.toml): begin with the test file of the module that was changed.

Most mutants die there, and the run stops at the first test that fails.
"""

import os

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`booking.services.refunds.x_send__mutmut_3` is best known to `test_refunds.py`."""
    module = os.environ.get("MUTANT_UNDER_TEST", "").rpartition(".")[0].rpartition(".")[2]
    items.sort(key=lambda item: item.path.stem != f"test_{module}")
