"""What the Tab key reaches in a page, in what order, and whether one sees where it is."""

from typing import NamedTuple

_CONTROLS = """root => {
    const wanted = 'button, select, input, textarea, summary, a[href], [tabindex]';
    const seen = one => one.getClientRects().length && getComputedStyle(one).visibility === 'visible';
    const all = [...root.querySelectorAll(wanted)].filter(one => one.tabIndex >= 0 && !one.disabled && seen(one));
    all.forEach((one, i) => { one.dataset.stop = i; });
    const said = one => (one.title || one.closest('[title]')?.title || one.textContent || one.className).trim();
    return all.map(one => one.tagName.toLowerCase() + ' ' + said(one).slice(0, 40));
}"""
_HERE = """root => {
    const one = document.activeElement;
    if (!root.contains(one)) return null;
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    const lined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
    const inside = box.top >= -1 && box.bottom <= innerHeight + 1 && box.left >= -1 && box.right <= innerWidth + 1;
    return [Number(one.dataset.stop ?? -1), lined, inside];
}"""


class Stops(NamedTuple):
    """Where Tab stopped."""

    controls: list[str]
    """All that can be used, in the order of the page."""
    order: list[int]
    """Which of them Tab stopped at."""
    unseen: list[str]
    """Those that did not show that they had the focus, or were out of the window."""
    back: list[int]
    """Which of them Shift+Tab stopped at from behind the last."""


def stops(book, css: str) -> Stops:
    """Go through an element with Tab, from its first control to where it is left, and back."""
    root = book.find(css).first
    controls = root.evaluate(_CONTROLS)
    root.locator("[data-stop='0']").focus()
    order, unseen = [], []
    for _ in range(2 * len(controls)):
        here = root.evaluate(_HERE)
        if here is None:
            break
        order.append(here[0])
        if not all(here[1:]):
            unseen.append(controls[here[0]])
        book.press("Tab")
    back = []
    for _ in range(3):
        book.press("Shift+Tab")
        here = root.evaluate(_HERE)
        back.append(-1 if here is None else here[0])
    return Stops(controls, order, unseen, back)
