"""WPR for a trial: its own recording is ended whatever happens, somebody else's never."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from analyzers.tags import TagNames
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.tui.made_windows import MadeWindows
from tui.doctor.examining import examine
from tui.doctor.trial import Trial
from tui.doctor.verdicts import State, Verdict, verdicts
from tui.doctor.wpr import Wpr, WprOutcome, said_by


@dataclass
class MadeWpr:
    """Answers each command with a code; a stop writes a simulated trace, as long as it succeeds."""

    codes: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    profile: str = ""

    def __call__(self, words: Sequence[str]) -> tuple[int, str]:
        self.asked.append(words[0])
        code = self.codes.get(words[0], 0)
        if words[0] == "-start":
            self.profile = Path(words[1]).read_text("ascii")
        if words[0] == "-stop" and not code:
            simulate("churn", 3, Settings(iterations=20)).write(Path(words[1]))
        return code, "" if not code else "There are no trace profiles running."


def nothing() -> None:
    return


def interrupted() -> None:
    raise KeyboardInterrupt


def judged(outcome: WprOutcome | None) -> Verdict:
    made = Trial(examine(MadeWindows().machine(), TagNames(())), wpr=outcome)
    return next(each for each in verdicts(made) if each.point == "wpr-profile")


def test_it_is_started_with_our_profile_stopped_and_what_it_wrote_is_read(tmp_path: Path) -> None:
    made = MadeWpr()
    outcome = Wpr(made).tried(tmp_path, nothing, nothing)
    assert made.asked == ["-start", "-stop"]
    assert "<PoolTag" not in made.profile
    assert "PoolAllocation" in made.profile
    assert (outcome.step, outcome.identities) == ("", 0)
    assert outcome.pool_events > 0
    assert judged(outcome).state is State.UNMET  # a simulated trace was not merged


def test_a_profile_that_is_refused_ends_nothing_that_runs(tmp_path: Path) -> None:
    made = MadeWpr({"-start": -984076288})
    found = judged(Wpr(made).tried(tmp_path, nothing, nothing))
    assert made.asked == ["-start"]
    assert (found.state, found.status) == (State.REFUSED, -984076288)
    assert "no trace profiles" in found.says


@pytest.mark.parametrize("code", [1, 2])
def test_a_recording_that_cannot_be_stopped_is_cancelled(tmp_path: Path, code: int) -> None:
    made = MadeWpr({"-stop": code})
    found = judged(Wpr(made).tried(tmp_path, nothing, nothing))
    assert made.asked == ["-start", "-stop", "-cancel"]
    assert (found.state, found.status) == (State.REFUSED, code)


def test_ctrl_c_cancels_it(tmp_path: Path) -> None:
    made = MadeWpr()
    with pytest.raises(KeyboardInterrupt):
        Wpr(made).tried(tmp_path, nothing, interrupted)
    assert made.asked == ["-start", "-cancel"]


def test_identities_and_schemas_must_be_in_it() -> None:
    assert judged(WprOutcome(bytes=9, pool_events=5, identities=4, metadata=3)).state is State.GRANTED
    assert judged(WprOutcome(bytes=9, pool_events=5, identities=4)).state is State.UNMET
    assert judged(WprOutcome("read", 0, "it is no trace")).state is State.UNMET
    assert judged(None).state is State.SKIPPED


def test_what_a_command_says_and_its_code_are_taken() -> None:
    code, said = said_by([sys.executable, "-c", "import sys; print('no  such', file=sys.stderr); sys.exit(3)"])
    assert (code, said) == (3, "no such")


def test_where_it_is_not_in_the_path_it_is_not_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Wpr.here() is None
    assert said_by([str(tmp_path / "wpr"), "-start"])[0] == -1
