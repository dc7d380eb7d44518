"""The pages of the desk, made once for the whole run; the tools that judge them are those of the guest pages."""

from functools import partial

import pytest

from tests.desk.catalogue import DESK
from tests.pages.archive import Archive
from tests.pages.conftest import fetched, show, window
from tests.pages.making import make_archive, shared_archive
from tests.pages.test_axe import axe
from tests.pages.test_html import errors_in

__all__ = ["archive", "axe", "errors_in", "fetched", "show", "window"]


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Archive:
    """Every page of the desk in every state."""
    own = tmp_path_factory.getbasetemp()
    make = partial(make_archive, wanted=lambda _: True, languages=("en",), states=DESK)
    return shared_archive((own if worker_id == "master" else own.parent) / "desk", make)
