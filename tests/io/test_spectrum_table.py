"""Tables of other origin: what cannot be read is refused in one line, and soon."""

import pytest

from mrsnb.errors import InputError
from mrsnb.io.spectrum_table import read_spectrum_table

ECSV = """# %ECSV 1.0
# ---
# datatype:
# - {name: wave, unit: um, datatype: float64}
# - {name: flux, unit: Jy, datatype: float64}
wave flux
5.0 1.0
6.0 2.0
"""
MERGES = "# meta:\n#   a: &a {x: 1, y: 2}\n" + "".join(
    f"#   {name}: &{name} {{<<: [{', '.join(9 * [f'*{before}'])}]}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_what_is_right_is_read(tmp_path):
    (tmp_path / "x.ecsv").write_text(ECSV)
    assert read_spectrum_table(tmp_path / "x.ecsv").wave.tolist() == [5.0, 6.0]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.ecsv", ECSV.replace("# - {name: wave", MERGES + "# - {name: wave"), "cannot be read as a table"),
        ("x.ecsv", ECSV.replace("datatype:\n", "datatype: ~\n"), "cannot be read as a table"),
        ("x.ecsv", ECSV.replace("um", "no_such"), "which is no wavelength"),
        ("x.ecsv", ECSV.replace("float64", "string").replace("5.0", "abc"), "does not have one number a row"),
        ("x.csv", "wave,flux\n5.0,1.0\nwave,flux\n", "does not have one number a row"),
        ("x.csv", "wave,flux," + "a," * 20000 + "b\n" + "1," * 20002 + "1\n", "more than 10000 characters"),
        ("x.csv", "", "no column of wavelength and flux"),
    ],
    ids=["bomb", "datatype", "unit", "text", "head twice", "columns", "empty"],
)
def test_what_is_wrong_is_refused_in_one_line(tmp_path, name, content, says):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=says) as caught:
        read_spectrum_table(tmp_path / name, "Jy")
    assert "\n" not in str(caught.value)
