"""Dask: a cluster that is there, or one inside of this process; and traces handed to it, a few at a time.

The cluster inside of this process listens nowhere that could be asked for anything: its workers are threads, which give
each trace to a process of their own (:mod:`tui.fleet.isolated`), and what Dask opens for its pages is closed to all but
this machine and has no pages unless they were asked for.
"""

from __future__ import annotations

import logging
import queue
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from itertools import islice
from typing import Any, Final, TypeAlias

from tracer.errors import InputError, MachineError, PoolscopeError
from tui.fleet import isolated
from tui.json_documents.error import error_document
from tui.streams import say

EXTRA: Final = "python -m pip install 'poolscope[fleet]'"
DASHBOARD: Final = "127.0.0.1:8787"
_NOWHERE: Final = "127.0.0.1:0"
_POLL_SECONDS: Final = 0.2
_IDLE: Final = 50
"""Polls without an answer after which it is asked whether there still is a worker."""
_PATIENCE_SECONDS: Final = 20
"""For a scheduler to answer, and for it to have a worker."""
_AHEAD: Final = 4
"""Traces for each thread that are handed over: enough to keep it busy, few to lose."""
_FEWEST: Final = 16
_SHARE: Final = 0.8
"""Of this machine's memory, for all traces that are read at a time."""

Job: TypeAlias = dict[str, Any]
Answer: TypeAlias = dict[str, Any]
Client: TypeAlias = Any
Future: TypeAlias = Any
"""Dask's own, which has few types."""


@contextmanager
def cluster(scheduler: str | None, *, workers: int, dashboard: bool) -> Iterator[Client]:
    """A client of the scheduler at an address, or of one in this process with so many workers.

    Raises:
        MachineError: Dask is not installed, nothing answers, or its workers have another Poolscope.
    """
    dask, distributed = _modules()
    if dashboard and find_spec("bokeh") is None:
        raise MachineError(
            "no-bokeh", "Dask has no pages here", where="--dashboard", why="bokeh, which draws them, is not installed",
            next="python -m pip install bokeh, or leave --dashboard out",
        )  # fmt: skip
    settings = {
        "distributed.scheduler.http.routes": dask.config.get("distributed.scheduler.http.routes") if dashboard else [],
        "distributed.worker.http.routes": [],
        "distributed.admin.system-monitor.disk": False,
    }
    for name in [each for each in logging.root.manager.loggerDict if each.startswith(("distributed", "tornado"))]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what goes wrong is told in rows and errors
    with ExitStack() as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of ports that are taken, of what a person did not ask for
        opened.enter_context(dask.config.set(settings))
        try:
            if scheduler is None:
                isolated.start_again()
                local = distributed.LocalCluster(
                    processes=False,
                    n_workers=workers,
                    threads_per_worker=1,
                    protocol="inproc://",
                    memory_limit=0,  # theirs is that of their processes
                    dashboard_address=DASHBOARD if dashboard else _NOWHERE,
                    worker_dashboard_address=_NOWHERE,
                    scheduler_kwargs={"dashboard": dashboard},
                    silence_logs=logging.CRITICAL,
                )
                opened.callback(local.close)
                opened.callback(isolated.stop)
                client = distributed.Client(local)
            else:
                client = distributed.Client(scheduler, timeout=_PATIENCE_SECONDS)
                opened.callback(_close, client)
                client.wait_for_workers(1, timeout=_PATIENCE_SECONDS)
        except (OSError, ValueError, RuntimeError) as error:
            raise _no_cluster(scheduler, error) from error
        if scheduler is None:
            opened.callback(_close, client)
        else:
            _check_version(client, scheduler)
        yield client


def _close(client: Client) -> None:
    with suppress(Exception):  # the scheduler may be gone
        client.close()


def memory_of(client: Client, workers: int) -> int:
    """Bytes that one trace may take: a thread's share of the least of the workers, or of this machine."""
    from distributed.system import MEMORY_LIMIT

    told = client.scheduler_info(n_workers=-1)["workers"].values()
    shares = [each["memory_limit"] // each["nthreads"] for each in told if each.get("memory_limit")]
    return min(shares, default=int(MEMORY_LIMIT * _SHARE) // workers)


def run(
    client: Client, jobs: Iterable[Job], take: Callable[[Job, Answer], None], is_stopped: Callable[[], bool]
) -> None:
    """Give every job to the cluster, and its answer to ``take`` as it comes; until ``is_stopped`` says so.

    Raises:
        MachineError: the scheduler is gone. What was taken is not lost by that.
    """
    try:
        _run(client, jobs, take, is_stopped)
    except PoolscopeError:
        raise
    except Exception as error:  # whatever Dask makes of it, at whatever moment
        from distributed.comm.core import CommClosedError

        if client.status == "running" and not isinstance(error, CommClosedError):  # which comes before it is told
            raise
        raise _gone() from error


def _run(
    client: Client, jobs: Iterable[Job], take: Callable[[Job, Answer], None], is_stopped: Callable[[], bool]
) -> None:
    from poolscope.fleet import analyse

    done: queue.SimpleQueue[Future] = queue.SimpleQueue()
    waiting: dict[str, tuple[Job, Future]] = {}
    left = iter(jobs)
    run_id = uuid.uuid4().hex[:12]
    number = 0
    room = max(_FEWEST, _AHEAD * sum(client.nthreads().values()))
    idle = 0
    while not is_stopped():
        for job in islice(left, room - len(waiting)):
            key = f"poolscope-{run_id}-{number}"  # names of traces have no place in Dask's pages
            number += 1
            future = client.submit(analyse, job, key=key, pure=False)
            waiting[key] = job, future
            future.add_done_callback(done.put)
        if not waiting:
            return
        try:
            future = done.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            idle += 1
            if client.status not in {"running", "connecting"}:
                raise _gone() from None
            if idle == _IDLE and client.status == "running" and not client.nthreads():
                say("note: the cluster has no worker left; this waits for one (Ctrl-C stops, and keeps what is done)")
            continue
        idle = 0
        job, _ = waiting.pop(future.key)
        take(job, _answer(future, job))
        future.release()
    client.cancel([future for _, future in waiting.values()], force=True)


def _answer(future: Future, job: Job) -> Answer:
    if future.status == "finished":
        return future.result()  # type: ignore[no-any-return]
    error = future.exception() if future.status == "error" else None
    if error is None:
        raise _gone()
    told = InputError(
        "worker-died" if type(error).__name__ == "KilledWorker" else "worker-failed",
        "the workers that read the trace died" if type(error).__name__ == "KilledWorker" else "a worker failed",
        where=job["place"],
        why=f"{type(error).__name__}: {error}"[:500],
        next="look into the worker's log, and try again with --retry",
    )
    return {"hash": "", "bytes": job["bytes"], **error_document(told)}


def _check_version(client: Client, scheduler: str) -> None:
    """Raise MachineError where a worker has no Poolscope, or another."""
    from poolscope.fleet import version

    try:
        found = set(client.run(version).values())
    except Exception as error:  # whatever its worker raised comes as that
        why = f"{type(error).__name__}: {error}"
    else:
        if found == {version()}:
            return
        why = f"here {version()}, there {', '.join(sorted(found))}"
    raise MachineError(
        "no-poolscope-there",
        "the workers cannot run this Poolscope",
        where=scheduler,
        why=why[:500],
        next="install the same version of poolscope[fleet] for every worker",
    )


def _no_cluster(scheduler: str | None, error: BaseException) -> MachineError:
    return MachineError(
        "no-cluster",
        "there is no Dask cluster" if scheduler else "Dask does not start",
        where=scheduler or "this machine",
        why=str(error) or type(error).__name__,
        next="check the address, and that a worker is connected ('dask worker ADDRESS')" if scheduler
        else "report it with 'python -m pip list'",
    )  # fmt: skip


def _gone() -> MachineError:
    return MachineError(
        "cluster-gone",
        "the connection to the Dask cluster is lost",
        where="--scheduler",
        why="its scheduler ended, or the network did",
        next="the same command goes on where this one stopped",
    )


def _modules() -> tuple[Any, Any]:
    try:
        import dask
        import distributed
    except ImportError as error:
        raise MachineError(
            "no-dask", "Dask is not installed", where="this Python",
            why="poolscope fleet needs it, and nothing else does", next=EXTRA,
        ) from error  # fmt: skip
    return dask, distributed
