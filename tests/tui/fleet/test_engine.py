"""What is made of a cluster's answers, told by one that is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tracer.errors import MachineError
from tui.fleet import engine
from tui.fleet.engine import Answer, Job


class KilledWorker(Exception):  # noqa: N818 - Dask's own name
    """As Dask raises it where workers died of a task."""


@dataclass
class Future:
    key: str
    status: str
    result_is: Answer
    error: Exception | None = None

    def add_done_callback(self, done: Callable[[Future], None]) -> None:
        if self.status != "pending":
            done(self)

    def result(self) -> Answer:
        return self.result_is

    def exception(self) -> Exception | None:
        return self.error

    def release(self) -> None:
        self.status = "released"


@dataclass
class Client:
    """``fates``: of the tasks in turn: a status, or the error that it ended in."""

    fates: list[str | Exception]
    status: str = "running"
    threads: dict[str, int] = field(default_factory=lambda: {"worker": 1})
    cancelled: int = 0

    def nthreads(self) -> dict[str, int]:
        return self.threads

    def submit(self, _: Any, job: Job, *, key: str, **_options: bool) -> Future:
        fate = self.fates.pop(0)
        if isinstance(fate, Exception):
            return Future(key, "error", {}, fate)
        return Future(key, fate, {"hash": job["place"]})

    def cancel(self, futures: list[Future], **_options: bool) -> None:
        self.cancelled += len(futures)

    def run(self, _: Any) -> dict[str, str]:
        return {"tcp://a": "0.0.1", "tcp://b": "0.0.2"}


def _jobs(count: int) -> list[Job]:
    return [{"place": f"/{number}.etl", "bytes": 1} for number in range(count)]


def _run(client: Client, jobs: list[Job], stop_after: float = float("inf")) -> list[tuple[str, Answer]]:
    taken: list[tuple[str, Answer]] = []
    asked = iter(range(10_000))
    engine.run(
        client, jobs, lambda job, answer: taken.append((job["place"], answer)), lambda: next(asked) >= stop_after
    )
    return taken


def test_a_task_that_workers_died_of_is_a_row_and_the_others_are_told() -> None:
    taken = dict(_run(Client(["finished", KilledWorker("x"), ValueError("y"), "finished"]), _jobs(4)))
    assert taken["/0.etl"] == {"hash": "/0.etl"}
    assert taken["/1.etl"]["error"]["code"] == "worker-died"
    assert taken["/2.etl"]["error"]["code"] == "worker-failed"
    assert taken["/3.etl"] == {"hash": "/3.etl"}


def test_no_more_tasks_are_handed_over_than_can_be_lost_at_little_cost() -> None:
    client = Client(["pending"] * 100)
    assert _run(client, _jobs(100), stop_after=1) == []
    assert client.cancelled == 100 - len(client.fates) == 16


@pytest.mark.parametrize("status", ["cancelled", "lost"])
def test_a_task_without_an_end_is_told_as_a_lost_connection(status: str) -> None:
    with pytest.raises(MachineError, match="connection to the Dask cluster is lost"):
        _run(Client([status]), _jobs(1))


def test_a_client_that_was_closed_is_told_as_a_lost_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_POLL_SECONDS", 0.001)
    with pytest.raises(MachineError, match="connection to the Dask cluster is lost"):
        _run(Client(["pending"], status="closed"), _jobs(1))


def test_what_dask_raises_when_its_client_is_closed_is_told_as_that() -> None:
    with pytest.raises(MachineError, match="connection to the Dask cluster is lost"):
        _run(Client([], status="closed"), _jobs(1))


def test_what_it_raises_otherwise_is_no_lost_connection() -> None:
    with pytest.raises(IndexError):
        _run(Client([]), _jobs(1))


def test_a_cluster_without_a_worker_left_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "_POLL_SECONDS", 0.001)
    _run(Client(["pending"], threads={}), _jobs(1), stop_after=200)
    assert capsys.readouterr().err.count("has no worker left") == 1


def test_workers_with_another_poolscope_are_refused() -> None:
    with pytest.raises(MachineError, match="cannot run this Poolscope") as told:
        engine._check_version(Client([]), "tcp://a")
    assert "there 0.0.1, 0.0.2" in told.value.why


def test_pages_without_what_draws_them_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda _: None)
    with pytest.raises(MachineError, match="no pages here"), engine.cluster(None, workers=1, dashboard=True):
        pass
