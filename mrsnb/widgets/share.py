"""Parameters of a form as text to copy, and to and from files."""

import html
from collections.abc import Callable
from functools import partial
from typing import Any

import ipywidgets as w

from mrsnb.errors import MrsnbError, ParamError
from mrsnb.io.places import home
from mrsnb.pipeline import snippets
from mrsnb.pipeline.parameter_files import write_params
from mrsnb.pipeline.settings import Settings
from mrsnb.widgets.parts import button, line

_FILE = "Save, load"
_MOST_LINES = 14
_COPY = (
    "const box = this.parentElement, text = box.querySelector('textarea'), said = this;"
    "const done = ok => { said.textContent = ok ? 'Copied' : 'Press Ctrl+C';"
    " if (!ok) { text.focus(); text.select(); } setTimeout(() => { said.textContent = 'Copy'; }, 1500); };"
    "const old = () => { text.focus(); text.select(); done(document.execCommand('copy')); said.focus(); };"
    "if (navigator.clipboard && window.isSecureContext)"
    " { navigator.clipboard.writeText(text.value).then(() => done(true), old); } else { old(); }"
)
"""Copies the text beside a button. ipywidgets has no clipboard, and drops scripts, but keeps an element's own handlers;
``navigator.clipboard`` is there on secure pages only (HTTPS, or this machine), the older command everywhere."""


class Share:
    """A row of buttons below a form, and what the pressed one opens.

    Parameters
    ----------
    told : callable
        Returns what a run would be told by the form; raises a `ParamError` while it is not valid.
    load : callable
        Takes the path of a file into the form; raises an `MrsnbError` if it cannot.
    preset : callable
        Returns the name of the preset that the form starts from.
    """

    def __init__(
        self, told: Callable[[], Settings], load: Callable[[str], None], preset: Callable[[], str] | None = None
    ) -> None:
        self._told, self._load = told, load
        self._preset = preset if preset is not None else (lambda: snippets.PRESET)
        self._texts: dict[str, Callable[[], str | None]] = {
            "Python": lambda: snippets.as_python(self._told().params, preset=self._preset()),
            "Command line": partial(self._written, snippets.as_command),
            "papermill": partial(self._written, snippets.as_papermill),
            "YAML": lambda: snippets.as_yaml(self._told().params, overrides=self._told().overrides),
        }
        self._tabs = {name: self._tab(name) for name in (*self._texts, _FILE)}
        self._shown = w.HTML()
        self._path = w.Text(description="File", placeholder="params.yaml, .toml or .asdf", continuous_update=True)
        self._path.observe(lambda _: self._say(""), "value")
        self._said = w.HTML()
        self._asked = ""
        self._file = w.HBox(
            [
                self._path,
                button("Save", "Write all parameters to this file", self._save),
                button("Load", "Take the parameters from this file", self._read),
                self._said,
            ]
        )
        self._file.add_class("mrsnb-file")
        self._file.layout.display = "none"
        head = w.HBox([w.HTML(line("Copy as", "mrsnb-state")), *self._tabs.values()])
        head.add_class("mrsnb-tabs")
        self.box = w.VBox([head, self._shown, self._file])
        self.box.add_class("mrsnb-share")

    def refresh(self) -> None:
        """Show the text of the form as it is now."""
        name = next((name for name, tab in self._tabs.items() if tab.value), None)
        self._file.layout.display = "" if name == _FILE else "none"
        if name not in self._texts:
            self._shown.value = ""
            return
        try:
            text = self._texts[name]()
        except ParamError as error:
            self._shown.value = line(f"Nothing to copy yet: {error}", "mrsnb-wrong-line")
            return
        self._shown.value = (
            line(f"There is no {name} of this step by itself.", "mrsnb-state") if text is None else _snippet(text)
        )

    def _written(self, write: Callable[..., str | None]) -> str | None:
        told = self._told()
        return write(told.params, preset=self._preset(), overrides=told.overrides)

    def _tab(self, name: str) -> w.ToggleButton:
        tooltip = "Save to a file, or load one" if name == _FILE else f"Show the parameters as {name}, to copy"
        tab = w.ToggleButton(description=name, tooltip=tooltip)
        tab.add_class("mrsnb-button")
        tab.observe(partial(self._chosen, name), "value")
        return tab

    def _chosen(self, name: str, change: Any) -> None:
        if change.new:
            for other, tab in self._tabs.items():
                if other != name:
                    tab.value = False
        self.refresh()

    def _say(self, text: str, kind: str = "mrsnb-said") -> None:
        self._asked = ""
        self._said.value = line(text, kind)

    def _save(self) -> None:
        path = self._path.value
        if self._asked != path and path and home(path).exists():
            self._say(f"{path} is there already: Save again replaces it")
            self._asked = path
            return
        try:
            write_params(self._named(), self._told())
        except MrsnbError as error:
            self._say(str(error), "mrsnb-wrong-line")
        else:
            self._say(f"Saved {path}")

    def _read(self) -> None:
        try:
            self._load(self._named())
        except MrsnbError as error:
            self._say(str(error), "mrsnb-wrong-line")
        else:
            self._say(f"Loaded {self._path.value}")

    def _named(self) -> str:
        if not self._path.value.strip():
            msg = "which file? Give a name that ends in .yaml, .toml or .asdf"
            raise ParamError(msg)
        return str(self._path.value)


def _snippet(text: str) -> str:
    """Return a text with a button that copies it, as HTML; the text is selected when it is clicked."""
    rows = min(text.count("\n") + 1 + (len(text) // 90 if "\n" not in text else 0), _MOST_LINES)
    return (
        '<div class="mrsnb-snippet" data-lm-suppress-shortcuts="true">'
        f'<textarea readonly spellcheck="false" rows="{rows}" onfocus="this.select()">{html.escape(text)}</textarea>'
        f'<button type="button" class="mrsnb-copy" onclick="{html.escape(_COPY)}">Copy</button></div>'
    )
