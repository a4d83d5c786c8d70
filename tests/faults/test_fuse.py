"""The fuse blows where it is told to, and lets nothing out afterwards."""

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.fuse import EXIT_CODE, Crashed, Fuse, Moment, armed, fused, laid_in

CHILD = """
import json, os
from tests.faults.fuse import Fuse, laid_in

fuse = Fuse.of_process(os.environ)
with laid_in(json, fuse, ("dumps",)):
    try:
        for number in range(3):
            os.write(1, json.dumps(number).encode())
    finally:
        os.write(1, b" saved")
"""


class Till:
    """Takes coins, and calls another method of itself while it does."""

    def __init__(self) -> None:
        self.coins: list[int] = []
        self.open = False

    def put(self, coin: int) -> int:
        self.coins.append(coin)
        return self.total()

    def total(self) -> int:
        return sum(self.coins)

    def refuse(self) -> None:
        raise ValueError("no notes")


@pytest.mark.parametrize(("moment", "kept"), [(Moment.BEFORE, [1, 2]), (Moment.AFTER, [1, 2, 3])])
def test_the_nth_call_is_the_last_and_is_done_only_where_it_crashes_after(moment: Moment, kept: list[int]) -> None:
    till = Till()
    guarded = fused(till, Fuse(3, moment), ("put",))

    with pytest.raises(Crashed, match=r"^Till\.put$"):
        list(map(guarded.put, range(1, 9)))

    assert till.coins == kept


def test_a_blown_fuse_lets_no_later_call_out() -> None:
    till, other = Till(), Till()
    fuse = Fuse(1)
    first, second = fused(till, fuse, ("put",)), fused(other, fuse, ("put",))

    with pytest.raises(Crashed):
        first.put(1)
    with pytest.raises(Crashed):
        first.put(2)
    with pytest.raises(Crashed):
        second.put(3)

    assert (till.coins, other.coins) == ([], [])
    assert fuse.calls == ["Till.put"]


def test_one_fuse_counts_the_calls_of_all_parts_by_their_names() -> None:
    fuse = Fuse()
    first, second = fused(Till(), fuse, ("put", "total")), fused(Till(), fuse, ("put",))

    answers = [first.put(1), second.put(5), first.total(), second.total()]

    assert answers == [1, 5, 1, 5]
    assert fuse.calls == ["Till.put", "Till.put", "Till.total"]
    assert not fuse.is_blown


def test_a_fuse_for_one_name_lets_all_others_through() -> None:
    till = Till()
    guarded = fused(till, Fuse(2, name="Till.put"), ("put", "total"))

    guarded.put(1)
    guarded.total()
    guarded.total()

    with pytest.raises(Crashed, match=r"^Till\.put$"):
        guarded.put(2)
    assert till.coins == [1]


def test_what_is_not_fused_is_the_parts_own() -> None:
    till = Till()

    guarded = fused(till, Fuse(1), ("put",))

    assert guarded.total() == 0
    assert guarded.open is False


def test_no_except_of_the_code_under_test_holds_a_crash_up() -> None:
    guarded = fused(Till(), Fuse(1), ("put",))

    with pytest.raises(Crashed), suppress(Exception):
        guarded.put(1)


def test_a_crash_after_a_call_that_fails_is_a_crash() -> None:
    guarded = fused(Till(), Fuse(1, Moment.AFTER), ("refuse",))

    with pytest.raises(Crashed):
        guarded.refuse()


def test_an_error_of_the_call_passes_a_fuse_that_is_whole() -> None:
    guarded = fused(Till(), Fuse(2), ("refuse",))

    with pytest.raises(ValueError, match="no notes"):
        guarded.refuse()


def test_a_call_under_way_in_another_thread_loses_its_answer() -> None:
    fuse = Fuse(2)
    entered, blown = threading.Event(), threading.Event()
    seen: list[BaseException] = []

    def slow() -> None:
        entered.set()
        blown.wait(10)

    def work() -> None:
        try:
            fuse.through("slow", slow)()
        except Crashed as crash:
            seen.append(crash)

    thread = threading.Thread(target=work)
    thread.start()
    entered.wait(10)
    with pytest.raises(Crashed):
        fuse.through("quick", int)()
    blown.set()
    thread.join(10)

    assert [str(crash) for crash in seen] == ["slow"]


def test_functions_of_a_module_are_led_through_the_fuse_for_a_block_only(tmp_path: Path) -> None:
    genuine = os.replace
    (tmp_path / "a").touch()

    with laid_in(os, Fuse(1, Moment.AFTER), ("replace",)), pytest.raises(Crashed, match=r"^os\.replace$"):
        (tmp_path / "a").replace(tmp_path / "b")

    assert os.replace is genuine
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_methods_of_a_class_are_led_through_the_fuse_whoever_makes_its_objects() -> None:
    fuse = Fuse()

    with laid_in(Till, fuse, ("put", "total")):
        answer = Till().put(4)

    assert answer == 4
    assert fuse.calls == ["Till.put", "Till.total"]


@pytest.mark.parametrize(("moment", "output"), [(Moment.BEFORE, b"0"), (Moment.AFTER, b"0"), (None, b"012 saved")])
def test_a_child_process_ends_at_its_nth_call_and_saves_nothing(moment: Moment | None, output: bytes) -> None:
    variables = armed(2, moment, "json.dumps") if moment else {}
    environment = os.environ | variables | {"PYTHONPATH": str(Path(__file__).parents[2])}

    child = subprocess.run([sys.executable, "-c", CHILD], env=environment, capture_output=True, check=False, timeout=60)

    assert child.returncode == (EXIT_CODE if moment else 0)
    assert child.stdout == output
    assert (b"blown at json.dumps" in child.stderr) is (moment is not None)
    assert json.dumps(1) == "1"  # the child's fuse is not ours
