"""Provenance in the ASDF extension: of products that we write, and put into those of others."""

from io import BytesIO

import asdf
import numpy as np
import pytest

from mrsnb.io.asdf_extension import asdf_extension, read_history, with_history

HISTORY = {"run": {"step": "spec3"}, "inputs": {"../Zoë's 'x': y.fits": "sha256:ab"}, "list": [1, None, "a\nb"]}


def document(index=True):
    """Return an ASDF file with two arrays, as other software writes it."""
    file = BytesIO()
    tree = {"meta": {"name": "x"}, "first": np.arange(1000.0), "second": np.arange(10)}
    asdf.AsdfFile(tree).write_to(file, include_block_index=index)
    return file.getvalue()


@pytest.mark.parametrize("index", [True, False])
def test_what_is_put_in_is_read_back_and_the_rest_stays(index):
    content = with_history(document(index), HISTORY)
    assert read_history(content) == HISTORY
    with asdf.open(BytesIO(content)) as found:
        assert found["mrsnb"] == HISTORY
        assert found["meta"] == {"name": "x"}
        assert np.array_equal(found["first"], np.arange(1000.0))
        assert np.array_equal(found["second"], np.arange(10))


def test_what_was_there_before_is_replaced():
    once = with_history(document(), {"run": {"step": "older"}})
    twice = with_history(once, HISTORY)
    assert read_history(twice) == HISTORY
    assert twice.count(b"\nmrsnb: ") == 1
    assert with_history(twice, HISTORY) == twice


def test_what_has_no_tree_is_left_alone():
    assert with_history(b"no tree", HISTORY) == b"no tree"


def test_a_product_without_wcs_carries_it_too():
    extension = asdf_extension({"filename": "x"}, None, HISTORY)
    assert read_history(extension) == HISTORY
