"""What another thread asks for is done where widgets are changed."""

import asyncio
import threading

from mrsnb.widgets.loop import Loop


def elsewhere(call):
    """Run a coroutine function in the event loop of a thread of its own, which ends then."""
    thread = threading.Thread(target=lambda: asyncio.run(call()))
    thread.start()
    return thread


def test_it_follows_the_messages_of_widgets_and_comes_back():
    seen = []

    async def main():
        loop = Loop(lambda: seen.append(threading.current_thread()))
        loop.again(0.001)
        await asyncio.sleep(0.05)

        async def message():  # as of a widget, in a thread of its own
            loop.again(0.001)
            await asyncio.sleep(0.05)
            threading.Thread(target=lambda: loop.again(0.001)).start()  # as of a job
            await asyncio.sleep(0.1)

        thread = elsewhere(message)
        await asyncio.to_thread(thread.join)
        loop.again(0.001)  # that loop is gone
        await asyncio.sleep(0.05)
        assert seen == [threading.current_thread(), thread, thread, threading.current_thread()]

    asyncio.run(main())


def test_what_a_loop_that_ended_did_not_do_is_done_later():
    seen = []

    async def main():
        loop = Loop(lambda: seen.append(1))

        async def message():
            loop.again(10.0)

        await asyncio.to_thread(elsewhere(message).join)
        loop.again(0.001)
        await asyncio.sleep(0.05)

    asyncio.run(main())
    assert seen == [1]


def test_what_is_due_in_a_busy_loop_is_done_in_that_of_a_message():
    seen, came = [], threading.Event()

    async def main():
        loop = Loop(lambda: (seen.append(threading.current_thread()), came.set()))
        loop.again(0.001)

        async def message():
            loop.again(0.001)
            await asyncio.sleep(0.05)

        thread = elsewhere(message)
        assert came.wait(5)  # while this loop is busy, with this
        thread.join()
        assert seen == [thread]
        await asyncio.sleep(0.05)
        assert seen == [thread, threading.current_thread()]

    asyncio.run(main())


def test_a_loop_that_is_closed_just_now_does_no_harm(monkeypatch):
    seen = []

    async def main():
        loop, gone = Loop(lambda: seen.append(1)), asyncio.new_event_loop()
        gone.close()
        monkeypatch.setattr(gone, "is_closed", lambda: False)
        loop._loop = gone
        loop.again(0.001)
        await asyncio.sleep(0.05)
        assert seen == [1]

    asyncio.run(main())


def test_without_a_loop_nothing_is_called():
    Loop(lambda: 1 / 0).soon()
