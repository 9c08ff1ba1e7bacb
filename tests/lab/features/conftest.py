"""The same lesion in every form, written once."""

import pytest
from tests.lab.features.forms import Forms, write_forms

from lucidray.phantom import PhantomStudy, make_study


@pytest.fixture(scope="session")
def study() -> PhantomStudy:
    return make_study(7, lesion_volume_ml=12)


@pytest.fixture(scope="session")
def forms(study: PhantomStudy, tmp_path_factory: pytest.TempPathFactory) -> Forms:
    return write_forms(study, tmp_path_factory.mktemp("forms"))
