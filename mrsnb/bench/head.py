"""What stands above a workbench: the band, what is shown, what is going on."""

from collections.abc import Callable

import ipywidgets as w

from mrsnb.viewers.cube_controls import note
from mrsnb.widgets.parts import line

CUBE, DETECTOR = "Cube", "Detector"
FOLDS = ("steps", "spectrum", "runs")
_PLACES = "the cube with its spectra, or the exposures: those before and after steps, and the pixels of a clicked voxel"


class Head:
    """Widgets without behaviour, which the workbench gives them.

    Parameters
    ----------
    name : str
        Of the observation.
    has_steps : bool
        Whether there are steps and runs.
    """

    def __init__(self, name: str, *, has_steps: bool) -> None:
        self.bands = w.Dropdown(description="band", options=[], style={"description_width": "34px"})
        self.bands.add_class("mrsnb-bench-band")
        self.live = w.ToggleButton(
            description="Live", tooltip="Build the band in view again, in memory, whenever a parameter changes"
        )
        self.place = w.ToggleButtons(options=[CUBE, DETECTOR], tooltips=[f"Show {_PLACES}"] * 2)
        self.place.style.button_width = "auto"
        self.said, self.error, self.note = w.HTML(), w.HTML(), note(kind="mrsnb-bench-note")
        self.said.add_class("mrsnb-bench-said")
        self.tools = w.ToggleButton(
            description="Tools", tooltip="Lists of lines, redshift, measurements, files: show them, or fold them"
        )
        self.folds = {
            name: w.ToggleButton(value=True, description=name.capitalize(), tooltip=f"Show the {name}, or fold them")
            for name in FOLDS
        }
        shown = [name for name in FOLDS if has_steps or name == "spectrum"]
        live = [self.live] if has_steps else []
        title = w.HTML(line(name, "mrsnb-title"))
        folds = [self.folds[name] for name in shown]
        self.row = w.HBox([title, self.bands, *live, self.place, self.said, self.tools, *folds])
        self.row.add_class("mrsnb-bench-head")
        self.row.add_class("mrsnb-main")

    def on_fold(self, call: Callable[[str, bool], None]) -> None:
        """Call a function with the name of a class and whether it is to be set, when the user folds something."""
        self.tools.observe(lambda change: call("lean", not change.new), "value")
        for name, toggle in self.folds.items():
            toggle.observe(lambda change, name=name: call(f"no-{name}", not change.new), "value")

    def say(self, text: str) -> None:
        """Say what is going on."""
        self.said.value = line(text, "mrsnb-faint")
