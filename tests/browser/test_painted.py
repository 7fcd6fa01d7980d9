"""What is said of painted pixels."""

import numpy as np
import pytest
from painted import contrast


@pytest.mark.parametrize(("ink", "paper", "expected"), [(0, 255, 21.0), (255, 0, 21.0), (0x76, 255, 4.54), (9, 9, 1.0)])
def test_contrast_is_that_of_the_strongest_ink_on_the_commonest_colour(ink, paper, expected):
    pixels = np.full((8, 20, 3), paper, dtype=np.uint8)
    pixels[2:4] = ink
    pixels[4] = (ink + paper) // 2
    assert contrast(pixels) == pytest.approx(expected, abs=0.01)
