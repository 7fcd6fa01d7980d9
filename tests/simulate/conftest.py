import pytest

from mrsnb.simulate import STAR, simulate


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """Two dithers of one detector in one setting, with a spectrum of the background."""
    return simulate(
        tmp_path_factory.mktemp("sim") / "new",
        STAR,
        name="ngc.1",
        sub_bands=["short"],
        detectors=["MIRIFULONG"],
        background=True,
        progress=False,
    )
