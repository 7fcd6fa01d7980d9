"""The one reader of JSON: what is wrong with a text is one ValueError, whoever wrote it."""

import json
from typing import Any


def read_json(content: str | bytes) -> Any:
    """Return what a JSON text says.

    Parameters
    ----------
    content : str or bytes
        Text, or UTF-8, whose byte order mark may be there.

    Raises
    ------
    ValueError
        In one line: if it is not JSON, no text, nested too deep, or a number has thousands of digits.

    Examples
    --------
    >>> read_json('{"a": [1, 2.5]}')
    {'a': [1, 2.5]}
    >>> read_json("[" * 100000)
    Traceback (most recent call last):
    ValueError: not JSON: nested too deep
    """
    try:
        return json.loads(content if isinstance(content, str) else content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        msg = f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    except UnicodeDecodeError:
        msg = "not JSON: not a text file"
    except RecursionError:
        msg = "not JSON: nested too deep"
    except ValueError:  # Python reads no number of more than 4300 digits
        msg = "not JSON: a number has too many digits"
    raise ValueError(msg)
