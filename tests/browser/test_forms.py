"""Forms in JupyterLab: edited, wrong, explained, copied, saved, loaded, reset, in both themes and in a narrow panel."""

import shlex

import numpy as np
import pytest

from mrsnb.pipeline import Spec3Params
from mrsnb.pipeline.official import step_types

STEPS = list(step_types())
TYPED = {  # of each step: a field, a text that it takes, one that it does not, and part of what is said then
    "assign_mtwcs": None,
    "master_background": ("median_kernel", "5", "4", "must be odd, e.g. 3 or 5"),
    "mrs_imatch": ("bkg_degree", "2", "11", "must be a whole number from 0 to 10"),
    "outlier_detection": ("snr", "6,5", "5,6", "the second value"),
    "adaptive_trace_model": ("oversample", "2.0", "0", "must be a number from 1 to 10"),
    "pixel_replace": ("n_adjacent_cols", "3", "x", "must be a whole number"),
    "cube_build": ("scalexy", "0.15", "0.1x", "must be a number from 0.01 to 2 (arcsec) or None"),
    "extract_1d": ("ifu_rscale", "1.5", "9", "must be a number from 0.5 to 3 (FWHM) or None"),
    "spectral_leak": None,
    "combine_1d": ("sigma_clip", "3.0", "-1", "must be a number >= 0"),
}


def shown(notebook, what):
    """Open a notebook with a form in it."""
    notebook.open([f"import mrsnb\nform = mrsnb.controls({what!r})\nform"])
    notebook.run_all()
    notebook.find(".mrsnb-controls .mrsnb-head").wait_for()


def row(notebook, name):
    return notebook.find(f".mrsnb-param-{name}")


def press(notebook, label):
    notebook.find(f".mrsnb-controls button:text-is('{label}')").click()


def clipboard(notebook):
    press(notebook, "Copy")
    notebook.find(".mrsnb-copy:text-is('Copied')").wait_for()
    return notebook.page.evaluate("navigator.clipboard.readText()")


def is_painted_in(notebook, css, text_colour):
    """Whether something of an element is painted in the colour that the page gives to the text of another."""
    colour = notebook.find(text_colour).first.evaluate("e => getComputedStyle(e).color.match(/\\d+/g).map(Number)")
    return (np.abs(notebook.pixels(css).astype(int) - colour[:3]).sum(axis=-1) < 90).any()


@pytest.mark.parametrize("step", STEPS)
def test_the_form_of_a_step_is_edited_copied_saved_loaded_and_reset(notebook, step):
    shown(notebook, step)
    usual = notebook.python("form.params.to_dict()")
    if TYPED[step] is None:
        notebook.find(".mrsnb-fold").click()
        row(notebook, "compat").locator("select").select_option("jwst-3.0")
        notebook.wait_until("form.value.compat == 'jwst-3.0'")
        name = "compat"
    else:
        name, right, wrong, words = TYPED[step]
        entry = row(notebook, name).locator("input")
        entry.fill("")
        entry.fill(wrong)  # at once: what is there on the way may be right
        notebook.wait_until(f"form._form.fields[{name!r}].text == {wrong!r}")
        error = notebook.python("form.error")
        assert words in error
        line = row(notebook, name).locator(".mrsnb-wrong-line").filter(has_text=error)
        line.wait_for()
        assert entry.input_value() == wrong
        assert notebook.python("form.value.to_dict()") == usual
        assert is_painted_in(notebook, f".mrsnb-param-{name}", f".mrsnb-param-{name} .mrsnb-wrong-line")
        entry.fill(right)
        notebook.wait_until("form.error == ''")
        line.wait_for(state="detached")
    made = notebook.python("form.params.to_dict()")
    press(notebook, "Python")
    notebook.execute(clipboard(notebook) + f"\nassert params.{name} == form.params.{name}")
    press(notebook, "Command line")
    line = shlex.split(clipboard(notebook))
    assert line[:3] == ["mrsnb", "run", step]
    if made != usual:
        assert any(word.startswith(f"--{name}=") for word in line) or step == "mrs_imatch"
    press(notebook, "Save, load")
    notebook.find(".mrsnb-file input").fill("kept.asdf")
    notebook.wait_until("form._share._path.value == 'kept.asdf'")
    press(notebook, "Save")
    notebook.find(".mrsnb-said:has-text('Saved')").wait_for()
    assert (notebook.folder / "kept.asdf").stat().st_size > 100
    notebook.find(".mrsnb-button:text-is('Reset all')").evaluate("e => e.click()")
    notebook.wait_until("form.params == type(form.params)() or not form._form.changes")
    press(notebook, "Load")
    notebook.find(".mrsnb-said:has-text('Loaded')").wait_for()
    assert notebook.python("form.params.to_dict()") == made
    if made != usual:
        notebook.find(f".mrsnb-param-{name}.mrsnb-changed").wait_for()
        row(notebook, name).locator(".mrsnb-reset").click()
        notebook.wait_until(f"form.params.{name} == form.params.spec({name!r}).default")
        row(notebook, name).locator("xpath=self::*[not(contains(@class, 'mrsnb-changed'))]").wait_for()


def test_keys_reach_every_field_and_none_is_typed_away(notebook):
    shown(notebook, "cube_build")
    row(notebook, "channel").locator("select").focus()
    reached = set()
    for _ in range(24):
        notebook.press("Tab")
        reached.add(notebook.page.evaluate("document.activeElement.closest('.mrsnb-row')?.className ?? ''"))
    assert {f"mrsnb-param-{name}" for name in ("band", "scalexy", "ra_center", "roiw")} <= set(
        " ".join(reached).split()
    )
    entry = row(notebook, "scalexy").locator("input")
    assert entry.get_attribute("placeholder") == "None takes the reference value"
    explanation = row(notebook, "scalexy").locator(".mrsnb-help")
    assert not explanation.is_visible()
    row(notebook, "scalexy").locator(".widget-label").first.hover()
    explanation.wait_for()
    assert explanation.inner_text() == "Side of a spaxel; None takes the reference value. From 0.01 to 2."
    notebook.page.wait_for_timeout(500)
    notebook.screenshot("forms-hover")
    entry.focus()
    notebook.page.keyboard.type("0.2")  # also a test that letters and digits are no shortcuts of JupyterLab
    notebook.wait_until("form.value.scalexy == 0.2")
    notebook.page.keyboard.press("Control+a")
    notebook.page.keyboard.press("Delete")
    notebook.wait_until("form.value.scalexy is None")


def test_steps_that_contradict_each_other_are_told_while_typing(notebook):
    shown(notebook, "archive")
    for step, name, choice in (("cube_build", "weighting", "emsm"), ("extract_1d", "ifu_covar", "drizzle")):
        notebook.find(f".mrsnb-step-{step} .mrsnb-step-head .mrsnb-fold").click()
        row(notebook, name).locator("select").select_option(choice)
    row(notebook, "ifu_covar").locator(".mrsnb-wrong-line").wait_for()
    assert "drizzled cubes only" in notebook.python("form.error")
    notebook.screenshot("forms-conflict")
    row(notebook, "weighting").locator("select").select_option("drizzle")
    notebook.wait_until("form.error == ''")
    notebook.find(".mrsnb-step-spectral_leak .mrsnb-step-head input").click()
    notebook.wait_until("form.params.spectral_leak.skip")
    notebook.find(".mrsnb-presets select").select_option("quicklook")
    notebook.wait_until("form.params.outlier_detection.skip and form.params.extract_1d.ifu_covar == 'drizzle'")
    press(notebook, "papermill")
    assert 'preset: "quicklook"' in clipboard(notebook)


def test_what_the_kernel_sets_is_painted(notebook):
    shown(notebook, "extract_1d")
    notebook.execute("form.params = type(form.params)(ifu_rscale=2.5, ifu_autocen=True)")
    notebook.find(".mrsnb-param-ifu_rscale.mrsnb-changed").wait_for()
    assert row(notebook, "ifu_rscale").locator("input").input_value() == "2.5"
    assert row(notebook, "ifu_autocen").locator("input").is_checked()


def test_hostile_text_stays_text(notebook):
    shown(notebook, "extract_1d")
    hostile = '<img src=x onerror="window.harmed=1"></textarea><script>window.harmed=1</script> $a^2$'
    row(notebook, "extraction_region").locator("input").fill(hostile)
    row(notebook, "center_xy").locator("input").fill(hostile)
    row(notebook, "center_xy").locator(".mrsnb-wrong-line").wait_for()
    notebook.page.wait_for_timeout(300)
    assert notebook.find("mjx-container, .MathJax").count() == 0
    row(notebook, "center_xy").locator("input").fill("")
    notebook.wait_until("form.error == ''")
    for tab in ("Python", "Command line", "papermill", "YAML"):
        press(notebook, tab)
        assert "onerror" in clipboard(notebook)
    assert notebook.page.evaluate("window.harmed === undefined")


def test_a_text_is_copied_where_the_browser_keeps_its_clipboard_from_pages(notebook):
    """As it does on pages that come over plain HTTP from another machine."""
    shown(notebook, "cube_build")
    press(notebook, "Python")
    notebook.page.evaluate(
        "() => Object.defineProperty(navigator, 'clipboard', {value: undefined, configurable: true})"
    )
    press(notebook, "Copy")
    notebook.find(".mrsnb-copy:text-is('Copied')").wait_for()
    notebook.page.evaluate("() => { delete navigator.clipboard; }")
    copied = notebook.page.evaluate("navigator.clipboard.readText()")
    assert copied == notebook.find(".mrsnb-snippet textarea").input_value()
    notebook.find(".mrsnb-snippet textarea").click()
    assert notebook.page.evaluate("getSelection().toString()") == copied


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 516])
def test_a_form_is_readable_in_both_themes_wide_and_narrow(notebook, theme, width):
    notebook.open(
        ["import mrsnb\nform = mrsnb.controls('cube_build'); form", "run = mrsnb.controls(); run"],
        theme=theme,
        size=(width, 800),
    )
    notebook.run_all()
    row(notebook, "scalexy").locator("input").fill("0.1x")
    row(notebook, "channel").locator("select").select_option("2")
    row(notebook, "rois").locator("input").fill("0.2")
    row(notebook, "rois").locator(".mrsnb-wrong-line").wait_for()
    notebook.screenshot(f"forms-wrong-{theme}-{width}", ".mrsnb-controls")
    row(notebook, "scalexy").locator("input").fill("0.2")
    row(notebook, "rois").locator("input").fill("")
    notebook.find(".mrsnb-fold:has-text('Advanced')").first.click()
    notebook.find("button:text-is('Explain')").first.click()
    notebook.find("button:text-is('Command line')").first.click()
    notebook.find(".mrsnb-copy").wait_for()
    notebook.screenshot(f"forms-explained-{theme}-{width}", ".mrsnb-controls")
    notebook.execute("run.unfold('outlier_detection')")
    notebook.find(".mrsnb-param-snr input").wait_for()
    notebook.find(".mrsnb-step").first.scroll_into_view_if_needed()
    notebook.screenshot(f"forms-run-{theme}-{width}")
    wide = notebook.page.evaluate(
        "[...document.querySelectorAll('.mrsnb-controls *')].filter(e => e.offsetParent && e.tagName != 'STYLE' &&"
        " e.getBoundingClientRect().right > e.closest('.mrsnb-controls').getBoundingClientRect().right + 1).length"
    )
    assert wide == 0
    ink, paper = (
        notebook.find(".mrsnb-param-band .widget-label").first.evaluate(
            "(e, what) => getComputedStyle(what == 'ink' ? e : document.body.querySelector('.jp-Notebook'))"
            "[what == 'ink' ? 'color' : 'backgroundColor'].match(/\\d+/g).slice(0, 3).map(Number)",
            what,
        )
        for what in ("ink", "paper")
    )
    assert abs(sum(ink) - sum(paper)) > 300


def test_every_step_of_a_run_is_typed_somewhere():
    assert set(TYPED) == set(STEPS) >= set(Spec3Params.steps())
