"""That scores are muted as the protocols say, measured half by half, and NAB's threshold comes from half A alone."""

import numpy as np
import pytest
from accuracy.contenders import Scores
from accuracy.data import File, Half
from accuracy.measures import MUTED, found, mean, muted, ranked
from accuracy.table import alarm_table, measured, nab_table, vus_table

READINGS, EVENT = 1000, slice(600, 640)


def file(name: str, half: Half, seed: int = 1) -> File:
    labels = np.zeros(READINGS, dtype=bool)
    labels[EVENT] = True
    values = np.random.default_rng(seed).standard_normal((READINGS, 1))
    return File("made", name, np.arange(READINGS) * 60 * 10**9, values, labels, half=half)


def peak(at: slice, height: float = 1.0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    score = np.zeros(READINGS)
    score[at] = height
    return score


FILES = [file("one", "A"), file("other", "B")]


def test_under_protocol_a_the_beginning_is_muted_and_under_b_a_prefix_without_an_event() -> None:
    score = np.arange(float(READINGS), 0, -1)

    heard = {protocol: np.flatnonzero(muted(score, FILES[0].labels, protocol) > 1) for protocol in ("A", "B")}

    assert {protocol: int(at[0]) for protocol, at in heard.items()} == {"A": MUTED, "B": READINGS // 4}


def test_a_prefix_ends_before_an_early_event() -> None:
    labels = np.zeros(READINGS, dtype=bool)
    labels[100:110] = True

    assert (muted(np.full(READINGS, 2.0) + labels, labels, "B")[100:110] == 3).all()


def test_the_mean_of_a_half_is_of_its_files_alone() -> None:
    row = Scores("right, then wrong", [peak(EVENT), peak(slice(300, 340))])

    measures = ranked(row, FILES)

    right, wrong, both = (mean(measures, lambda one: one.auc_pr, part) for part in ("A", "B", "all"))
    assert right == 1
    assert wrong == pytest.approx(EVENT.stop / READINGS - EVENT.start / READINGS)
    assert both == (right + wrong) / 2


def test_a_file_without_an_event_is_not_ranked() -> None:
    quiet = File("made", "quiet", FILES[0].timestamp, FILES[0].values, np.zeros(READINGS, dtype=bool))

    assert len(ranked(Scores("any", [peak(EVENT), peak(EVENT)]), [FILES[0], quiet])) == 1


def test_alarms_of_the_muted_beginning_do_not_count() -> None:
    opened = np.zeros(READINGS, dtype=bool)
    opened[[3, 605, 700]] = True

    findings = found(Scores("any", [peak(EVENT)], [opened]), FILES[:1])

    assert (findings.alarms, findings.found, findings.false_alarms, findings.delays) == (2, 1, 1, (5,))


def test_a_score_without_alarms_finds_nothing_and_says_so() -> None:
    with pytest.raises(ValueError, match="any: expected alarms, got a score without"):
        found(Scores("any", [peak(EVENT)]), FILES[:1])


def test_the_threshold_of_half_a_is_what_half_b_is_scored_by() -> None:
    row = Scores("louder in A", [peak(slice(600, 601), 2.0), peak(slice(600, 601), 1.0)])

    (line,) = list(nab_table([row], FILES))[2:]

    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1] == "100.0 / 0.0 / 50.0"
    assert cells[4] == "100.0"


def test_tables_have_a_row_for_each_score_and_a_cell_for_each_set() -> None:
    opened = [np.zeros(READINGS, dtype=bool) for _ in FILES]
    rows = {"made": [Scores("one: novelty", [peak(EVENT)] * 2, opened), Scores("clock", [np.arange(1000.0)] * 2)]}
    files = {"made": FILES}

    ranking, alarms = list(vus_table(measured(rows, files))), list(alarm_table(rows, files))

    assert [line.split("|")[1].strip() for line in ranking[2:]] == ["one: novelty", "clock"]
    assert [line.split("|")[1].strip() for line in alarms[2:]] == ["one"]
