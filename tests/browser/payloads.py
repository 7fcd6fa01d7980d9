"""Text that tries to be more than text, pages of all that mrsnb makes of it, and whether it succeeded."""

import copy
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import cycle
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_origin, get_type_hints

from mrsnb.batch import BatchResult, Outcome
from mrsnb.batch.executed import finish
from mrsnb.batch.report import report_html
from mrsnb.core.bands import Band
from mrsnb.core.cards import Cards
from mrsnb.display.markup import POLICY
from mrsnb.display.progress import bar_html
from mrsnb.errors import InputError

RUN = "window.pwned=1"
PAYLOADS = (
    f'<img src=x onerror="{RUN}">',
    f"<script>{RUN}</script>",
    f'"><svg onload={RUN}>',
    f"'><img src=x onerror={RUN}>",
    f"</pre></details><script>{RUN}</script>",
    f"</style><script>{RUN}</script>",
    f"--><img src=x onerror={RUN}>",
    f'<a href="javascript:{RUN}">M 82</a>',
    '<iframe srcdoc="<script>parent.pwned=1</script>">',
    "<style>*{display:none}</style>",
    f"&lt;img src=x onerror={RUN}&gt;",
    f"<math><mglyph><style><img src=x onerror={RUN}>",
    f"<input autofocus onfocus={RUN}>",
    rf"$\href{{javascript:{RUN}}}{{x^2}}$",
    r"\(\unicode{x1F4A9}\) and $$\frac{1}{2}$$",
    "{{ 7 * 7 }}{% raw %} ${7*7} %s {0}",
    f"[M 82](javascript:{RUN}) **bold** `code`",
    f'" onmouseover="{RUN}" autofocus onfocus="{RUN}" x="',
    f"' onmouseover='{RUN}' autofocus onfocus='{RUN}' x='",
    f"x onmouseover={RUN} autofocus onfocus={RUN} tabindex=1",
    f"javascript:{RUN}",
    f"data:text/html,<script>parent.{RUN[7:]}</script>",
    f"</title></textarea></script></noscript><script>{RUN}</script>",
    f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    f"<SCRIPT/x>{RUN}</SCRIPT>",
    f"<img/src='x'/onerror={RUN}//",
    f"<body onload={RUN}><video><source onerror={RUN}></video>",
    f"<object data='javascript:{RUN}'></object><embed src='javascript:{RUN}'>",
    f"<form action='javascript:{RUN}'><button>Run</button></form>",
    f"<base href='javascript:{RUN}//'><meta http-equiv=refresh content='0;url=javascript:{RUN}'>",
    f"<details open ontoggle={RUN}>x</details><marquee onstart={RUN}>x</marquee>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s></svg>",
    f"<svg><a xlink:href='javascript:{RUN}'><text y=9>x</text></a></svg>",
    f"red;}}</style><style>*{{background:url(javascript:{RUN})}}",
    f"<!--[if IE]><script>{RUN}</script><![endif]--><!-- > <img src=x onerror={RUN}> -->",
    f"<![CDATA[<script>{RUN}</script>]]><?xml-stylesheet href='javascript:{RUN}'?>",
    rf"\[\class{{x}}{{\style{{background:url(javascript:{RUN})}}{{x}}}}\]",
    rf"\begin{{align}}\href{{javascript:{RUN}}}{{y}}\end{{align}}",
    rf"$$\require{{html}}\href{{javascript:{RUN}}}{{z}}$$ $\text{{<img src=x onerror={RUN}>}}$",
    f"<javascript:{RUN}> ![x](x){{onerror={RUN}}} <//x/onmouseover={RUN}>",
    f"\x1b[31m\x1b]8;;javascript:{RUN}\x07x\x1b]8;;\x07\x9b2J\x1b[2J\x1bc",
    f"\u202e\u2066<img src=x onerror={RUN}>\u2069\u200b\ufeff",
    f"\x00<\x00img src=x onerror={RUN}>\x00",
    f"\r\n\r\n# M 82\n\n<img src=x onerror={RUN}>\n\n    code\x85\u2028",
    f"\ufe64img src=x onerror={RUN}\ufe65 \uff1cscript\uff1e{RUN}\uff1c/script\uff1e +ADw-script+AD4-",
)
"""Each is meant for somewhere: content, attributes in any quotes or none, addresses, style, Markdown, TeX."""

LIVE = """() => {
const bad = [];
if (window.pwned !== undefined) bad.push('it ran');
for (const element of document.querySelectorAll('*')) {
    for (const {name, value} of element.attributes) {
        if (/^on/i.test(name) && /pwned/.test(value)) bad.push(`<${element.tagName} ${name}>`);
        const isLink = element.tagName === 'A' && element.rel === 'noopener';  // JupyterLab links data: in plain text
        const scheme = isLink ? /^\\s*javascript:/i : /^\\s*(javascript:|data:text)/i;
        if (/^(xlink:)?(href|src|action|data|formaction)$/i.test(name) && scheme.test(value))
            bad.push(`<${element.tagName} ${name}=${value}>`);
        if (name === 'style' && /pwned|javascript/i.test(value)) bad.push(`<${element.tagName} style>`);
    }
    if (/^(SCRIPT|STYLE)$/i.test(element.tagName) && /pwned|^\\*\\{display/.test(element.textContent)
        && !/PAYLOADS/.test(element.textContent)) bad.push(`<${element.tagName}>`);
}
if (getComputedStyle(document.body).display === 'none') bad.push('it hid the page');
return bad; }"""
"""What of a page is more than text: what ran, and what would if it were clicked on or seen.

JupyterLab itself makes links of addresses in plain text, of ``data:`` as well; browsers open none of these from a link.
"""


NEEDED = {"CHANNEL", "BAND", "DETECTOR", "INSTRUME", "EXP_TYPE", "EXTNAME", "XTENSION", "DATE-OBS", "TARGTYPE", "BUNIT"}


def is_needed(key: str) -> bool:
    """Return whether nothing could be processed without the value of a keyword."""
    return not key or key in NEEDED or key.startswith("S_")


class Poison:
    """Puts payloads, one after the other, in the place of all text inside a value."""

    def __init__(self, payloads=PAYLOADS) -> None:
        self._payloads = cycle(payloads)

    def __call__(self, value: Any) -> Any:  # noqa: C901 (one case for each kind)
        """Return a copy of `value`; unlike any that its class would make, as it is not checked."""
        match value:
            case str():
                return next(self._payloads)
            case Path():
                return Path(next(self._payloads))
            case Band():  # one of twelve
                return value
            case Cards():
                return Cards([c._replace(value=c.value if is_needed(c.key) else self(c.value)) for c in value.cards()])
            case Mapping():
                return {self(k) if isinstance(v, str | Path) else k: self(v) for k, v in value.items()}
            case tuple() if hasattr(value, "_fields"):
                kept = {name for name, hint in get_type_hints(type(value)).items() if get_origin(hint) is Literal}
                return value._replace(**{k: self(v) for k, v in value._asdict().items() if k not in kept})
            case tuple() | list():
                return type(value)(map(self, value))
        if not is_dataclass(value):
            return value
        made, hints = copy.copy(value), get_type_hints(type(value))
        for field in fields(value):
            if get_origin(hints[field.name]) is not Literal:
                object.__setattr__(made, field.name, self(getattr(value, field.name)))
        return made


@cache
def _values():
    import shown  # of the tests

    return MappingProxyType({name: make() for name, make in shown.EVERYTHING.items()})


def displays(payloads, _folder):
    """Return all that shows itself, on one page without a policy: nothing but escaping protects it."""
    body = "\n".join(Poison(payloads)(value)._repr_html_() for value in _values().values())
    return f"<!doctype html><title>x</title><body>{body}{bar_html(1, 2, payloads[0])}</body>"


def run_report(payloads, _folder):
    """Return the page that judges a run, without its policy."""
    return without_policy(Poison(payloads)(_values()["Report"]).html())


def batch_report(payloads, folder):
    """Return the page of a batch, without its policy."""
    outcomes = []
    for number, payload in enumerate(payloads):
        told = {"steps": {payload: payload}, payload: payload, "n": number}
        job = f"job{number}" if "/" in payload or "\0" in payload else payload
        files = {payload: 1, "report.html": 1}
        outcomes.append(Outcome(job, payload, "failed", folder / job, told, payload, files=files, host=payload))
    return without_policy(report_html(BatchResult(folder, tuple(outcomes), 1.0, 2)))


def failed_notebook(payloads, folder):
    """Return the executed notebook of a job that failed, as nbconvert shows it: error on top, and as it was raised."""
    import nbformat
    from nbconvert import HTMLExporter

    cells = []
    for payload in payloads:
        error = InputError(payload)
        said = "\n".join(error._render_traceback_())
        output = nbformat.v4.new_output("error", ename="InputError", evalue=str(error), traceback=[said])
        cells.append(nbformat.v4.new_code_cell("run()", outputs=[output], execution_count=1))
    path = folder / "failed.ipynb"
    for payload in payloads:
        nbformat.write(nbformat.v4.new_notebook(), path)
        finish(path, folder / "job", f"InputError: {payload}")
        (told,) = nbformat.read(path, as_version=4).cells
        cells.append(nbformat.v4.new_markdown_cell(told.source))
    return HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=cells))[0]


def widget_text(payloads, _folder):
    """Return what widgets tell about runs, errors and logs, as they put it into the page."""
    from mrsnb.widgets.told import error_html, log_html, record_html

    parts = [error_html(payload, payload) + log_html([f"12:00:00 warning {payload}"]) for payload in payloads]
    parts += [record_html(payload, [(payload,) * 5], payload, "") for payload in payloads]
    return f"<!doctype html><body>{''.join(parts)}</body>"


def without_policy(page):
    """Return a page that a browser would protect, unprotected."""
    assert POLICY.split(";")[0] in page.replace("&#x27;", "'"), "it has no policy"
    return page.replace("Content-Security-Policy", "x")


PAGES = {page.__name__: page for page in (displays, run_report, batch_report, failed_notebook, widget_text)}

WIDGETS = """
import sys; sys.path[:0] = {path!r}
import numpy as np
import mrsnb
from dataclasses import replace
from IPython.display import clear_output, display
from cubes import a_cube
from payloads import PAYLOADS
from spectra import spectrum_of
from mrsnb.core.cards import Card, Cards
from mrsnb.core.exposure import DerivedExposure
from mrsnb.io.exposures import open_exposure

exposure = open_exposure({exposure!r})
wave = np.arange(7.51, 8.77, 0.0013)

class Named(type(exposure)):
    name = "x"

def cube_viewer(payload):
    cards = [Card(key, payload) for key in ("TARGNAME", "TARGPROP", "FILENAME")]
    viewer = mrsnb.view(a_cube(np.ones((4, 9, 9)), name=payload + "_s3d.fits", cards=cards))
    viewer._hovered(3, 3)
    return viewer

def spectrum_viewer(payload):
    from mrsnb.viewers.spectrum import SpectrumViewer
    return SpectrumViewer(spectrum_of(wave, band="2A", name=payload + "_2A_x1d.fits", cards=dict(TARGNAME=payload)))

def detector_viewer(payload):
    primary = exposure.primary.updated(FILENAME=payload, TARGNAME=payload, TARGPROP=payload)
    one = DerivedExposure(source=exposure, change=lambda loaded: replace(loaded, name=payload), primary=primary,
                          science=exposure.science)
    return mrsnb.view(one)

def form(payload):
    made = mrsnb.controls("extract_1d")
    for field in ("extraction_region", "center_xy"):
        try:
            made.params = made.params.updated({{field: payload}})
        except mrsnb.errors.MrsnbError:
            pass
    return made

def broken_runner(payload):
    made = mrsnb.runner("cube_build", {association!r}, "out")
    from mrsnb.widgets.told import error_html
    made._error.value = error_html(payload)
    made._told.value = error_html(payload)
    return made

def failed_cell(payload):
    from IPython.display import Markdown
    from mrsnb.batch.executed import _error_cell
    return Markdown(_error_cell([], payload)["source"])

KINDS = (cube_viewer, spectrum_viewer, detector_viewer, form, broken_runner, failed_cell)
wrong = []
def show(kind, payloads):
    from mrsnb.errors import MrsnbError
    clear_output()
    for payload in payloads:
        try:
            display(kind(payload))
        except MrsnbError as error:
            wrong.append(str(error))
"""
"""For a notebook's kernel: ``show(KINDS[i], payloads)`` displays a widget for each."""
