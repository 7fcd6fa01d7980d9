"""The runner without a browser: what its widgets say and allow."""

import asyncio
import gc
import threading
from dataclasses import replace

import ipywidgets as w
import pytest

import mrsnb
from mrsnb.bench.builder import Builder, Task
from mrsnb.errors import InputError, ParamError
from mrsnb.steps.combine_1d import Combine1dParams
from mrsnb.widgets.runner import Runner


class Params(Combine1dParams):
    """Those of a real step, which a form is made of; three results."""

    n = 3
    wrong = ""


@pytest.fixture
def made(toy):
    runners = []

    def make(**settings):
        work = toy(**settings)
        runner = Runner(work.work, Params())
        runners.append(runner)
        return runner, work

    yield make
    for runner in runners:
        runner.close()
        if runner.runs.job is not None:
            runner.runs.job.wait(10)


def buttons(runner):
    return {
        widget.description: not widget.disabled
        for widget in (runner._run, runner._cancel, runner._past._restore, runner._past._compare, runner._past._remove)
    }


def test_it_says_what_it_runs(made):
    runner, _ = made()
    assert repr(runner) == "<Runner combine_1d: not run yet>"
    assert runner.state == "idle"
    assert buttons(runner) == {
        "Run": True, "Cancel": False, "Restore parameters": False, "Compare": False, "Remove": False
    }  # fmt: skip
    assert "&lt;b&gt;" in runner.children[1].children[1].children[0].value  # an input's name
    with pytest.raises(InputError, match="nothing was run yet"):
        runner.wait()


def test_a_run_shows_its_results(made):
    runner, _ = made()
    runner.run()
    run = runner.wait(10)
    assert (run.state, runner.state, runner._bar.value) == ("done", "done", 1.0)
    assert [title for title, _ in runner._results._list.options] == ["toy: 0", "toy: 1", "toy: 2"]
    assert "toy: 2" in runner._results._shown.value
    runner._results._list.value = 0
    assert "toy: 0" in runner._results._shown.value
    assert [result.number for result in runner.results] == [0, 1, 2]
    runner._tabs.selected_index = 1
    assert "toy makes 2" in runner._log.value


def test_while_it_runs_it_can_only_be_cancelled(made):
    runner, work = made(held=True)
    runner._run.click()
    assert (buttons(runner)["Run"], buttons(runner)["Cancel"], runner.state) == (False, True, "running")
    with pytest.raises(InputError, match="is running"):
        runner.run()
    runner._cancel.click()
    assert runner._cancel.disabled
    assert runner.wait(10).state == "cancelled"
    assert (buttons(runner)["Run"], buttons(runner)["Cancel"], runner.state) == (True, False, "cancelled")
    work.gate = None
    runner._run.click()
    assert runner.wait(10).state == "done"


def test_an_error_is_shown_in_place(made):
    runner, work = made()
    for wrong, shown, details in (
        (ParamError("n = <1>: take 3"), "n = &lt;1&gt;: take 3", False),
        (ZeroDivisionError("<x>"), "unforeseen ZeroDivisionError: &lt;x&gt;", True),
    ):
        work.errors["x"] = wrong
        Params.wrong = "x"
        try:
            runner.run()
            runner.wait(10)
        finally:
            Params.wrong = ""
        assert shown in runner._error.value
        assert ("<details>" in runner._error.value) == details
        assert "Traceback" not in runner._error.value.partition("<details>")[0]
    runner.run()
    runner.wait(10)
    assert runner._error.value == ""


def test_an_earlier_run_is_restored_removed_compared(made):
    runner, _ = made()
    first = runner.params
    for sigma in (first.sigma_clip, 4.5):
        runner.params = replace(first, sigma_clip=sigma)
        runner.run()
        runner.wait(10)
    lines = [text.replace("\N{NO-BREAK SPACE}", " ") for text, _ in runner._past._list.options]
    assert [line.split()[0] for line in lines] == ["2", "1"]
    assert lines[0].endswith("sigma_clip None → 4.5")
    assert lines[1].endswith("defaults")
    runner._past._list.value = (1,)
    assert buttons(runner)["Restore parameters"]
    assert not buttons(runner)["Compare"]
    runner._past._restore.click()
    assert runner.params == first
    runner._past._list.value = (1, 2)
    runner._past._compare.click()
    assert runner._tabs.selected_index == 3
    runner._past._remove.click()
    assert runner.history == ()
    assert (runner.state, runner._bar.value, runner._results._shown.value) == ("idle", 0.0, "")
    with pytest.raises(InputError, match="run 1: not in the history"):
        runner.restore(1)


def test_a_run_that_has_just_ended_can_be_compared(made):
    runner, _ = made()
    for _ in range(2):
        runner.run()
        runner.runs.job.wait(10)  # what is shown does not know
    runner.compare(1, 2)
    assert (runner._pair._one.value, runner._pair._other.value) == (1, 2)


def test_the_last_two_runs_are_compared_until_somebody_chooses(made):
    runner, _ = made()
    chosen = lambda: (runner._pair._one.value, runner._pair._other.value)  # noqa: E731
    for pair in ((1, 1), (1, 2), (2, 3)):
        runner.run()
        runner.wait(10)
        assert chosen() == pair
    runner._pair._one.value = 1
    runner.run()
    runner.wait(10)
    assert chosen() == (1, 3)
    runner.remove(1)
    assert chosen() == (3, 4)


def test_a_result_that_cannot_be_drawn_says_so_and_stops_nothing(made, monkeypatch):
    runner, _ = made()
    draw = runner.runs.html

    def html(run, index):
        if index == 1:
            raise ZeroDivisionError("<i>")
        return draw(run, index)

    monkeypatch.setattr(runner.runs, "html", html)
    runner.run()
    assert runner.wait(10).state == runner.state == "done"
    runner._results._list.value = 1
    assert "cannot be shown: ZeroDivisionError: &lt;i&gt;" in runner._results._shown.value
    runner._results._list.value = 0
    assert "toy: 0" in runner._results._shown.value


def test_where_no_kernel_is_runs_and_the_last_result_are_left(made):
    runner, work = made()
    assert "none yet" in runner._repr_mimebundle_()["text/html"]
    runner.run()
    runner.wait(10)
    work.errors["x"] = ParamError("n = <1>: take 3")
    Params.wrong = "x"
    try:
        runner.run()
        runner.wait(10)
    finally:
        Params.wrong = ""
    bundle = runner._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"] == repr(runner)
    html = bundle["text/html"]
    for text in ("combine_1d: &lt;b&gt;", ">done<", ">failed<", "n = &lt;1&gt;: take 3", "toy: 0", "needs a kernel"):
        assert text in html
    assert len(html) < 200_000


def test_where_no_kernel_is_a_form_leaves_its_parameters():
    for form, said in ((mrsnb.controls("cube_build"), "scalexy"), (mrsnb.controls("quicklook"), "outlier_detection")):
        assert said in form._repr_mimebundle_()["text/html"]
        form.close()


def test_it_cannot_run_what_is_not_valid(made):
    runner, _ = made()
    runner.form.error = "sigma_clip = 'x': must be a number"
    assert not buttons(runner)["Run"]
    runner.form.error = ""
    assert buttons(runner)["Run"]


def test_in_an_event_loop_it_follows_by_itself(toy):
    async def follow():
        work = toy(held=True)
        runner = Runner(work.work, Params())
        runner.run()
        work.gate.release()
        for _ in range(200):
            await asyncio.sleep(0.02)
            if runner._results._list.options:
                break
        assert [title for title, _ in runner._results._list.options] == ["toy: 0"]
        assert "1 of 3 results" in runner._told.value
        work.gate.release(2)
        for _ in range(200):
            await asyncio.sleep(0.02)
            if runner.state == "done":
                break
        assert runner.state == "done"
        runner.close()

    asyncio.run(follow())


def test_a_hundred_runs_leave_as_many_widgets_as_one(made):
    runner, _ = made()

    def rounds(n):
        for _ in range(n):
            runner.run()
            runner.wait(10)
            runner._past._list.value = runner._past._list.value[:0]
        gc.collect()
        return len(w.widget._instances)

    runner._tabs.selected_index = 3
    before = rounds(2)
    assert rounds(100) == before
    assert len(runner.history) == 100


def test_closing_leaves_no_widget():
    count = lambda: len(w.widget._instances)  # noqa: E731
    before = count()
    runner = mrsnb.runner("extract_1d", "x_s3d.fits")
    assert count() > before
    runner.close()
    assert count() == before


def test_mrsnb_offers_it():
    assert mrsnb.runner.__module__ == "mrsnb.widgets.runner"
    with pytest.raises(ParamError, match="did you mean 'spec3'"):
        mrsnb.runner("spec33", "x.json")


def returns_only_after(wait, begin, shown, go):
    """Return whether `wait` returns only once another thread, which began to show what there is, has done so."""
    other = threading.Thread(target=begin)
    other.start()
    assert shown.wait(10)
    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(0.1)
    is_waiting = waiting.is_alive()
    go.set()
    waiting.join(10)
    other.join(10)
    return is_waiting and not waiting.is_alive()


def test_waiting_ends_when_the_thread_of_messages_has_shown_all(made):
    runner, _ = made()
    runner.run().wait(10)
    runner.state = "idle"
    shown, go = threading.Event(), threading.Event()
    runner.observe(lambda _: (shown.set(), go.wait(10)), "state")
    assert returns_only_after(runner.wait, runner._refresh, shown, go)


def test_what_is_built_is_shown_before_waiting_ends(toy):
    shown, go, tasks = threading.Event(), threading.Event(), [Task(None, None, Params())]
    builder = Builder(
        lambda _: toy().work,
        lambda: tasks.pop() if tasks else None,
        lambda _: None,
        lambda *_: (shown.set(), go.wait(10)),
    )
    builder.want()
    builder._look()
    builder._job.wait(10)
    assert returns_only_after(lambda: builder.wait(10), builder._look, shown, go)
    assert not builder.is_busy
    builder.close()
