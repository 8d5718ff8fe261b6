"""Asked to stop, a run finishes its step; asked again by a person, it stops at once."""

import signal
import sys

import needs
import pytest
from signals import heard, ignored

from minifcn.training.interrupt import finish_the_step

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason=needs.POSIX)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_second_one_interrupts_at_once(name):
    number = getattr(signal, name)
    with heard(name):
        before = signal.getsignal(number)
        with finish_the_step() as request:
            signal.raise_signal(number)
            assert request.asked
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(number)
        assert signal.getsignal(number) == before


def test_a_closed_terminal_may_say_so_twice():
    """A system sends SIGHUP to the session and to the process group: the step in between must not be lost."""
    with heard("SIGHUP"), finish_the_step() as request:
        for _ in range(3):
            signal.raise_signal(signal.SIGHUP)
    assert request.asked


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_what_was_ignored_at_first_stays_so(name):
    """By nohup, or by a script for what it starts in the background."""
    with ignored(name), finish_the_step() as request:
        signal.raise_signal(getattr(signal, name))
    assert not request.asked
