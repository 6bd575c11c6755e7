"""A snapshot with stand-ins for names: the same numbers and conclusions, about nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.findings import Diagnosis, Finding, HeldRequests, PathNode
from analyzers.pool_tables import Frame, Names, PoolSnapshot, TagTable
from analyzers.processes import Process
from analyzers.requests.tables import RequestSnapshot
from analyzers.retention.dominators import Dominators
from analyzers.retention.graph import Retention
from analyzers.retention.nodes import Node
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from analyzers.symbolization import NamesFound
from analyzers.tags.names import TagName, built_in
from tracer.arrays import I32, I64, U64, unique
from tracer.data_classes import dataclass
from tracer.errors import Damage
from tracer.trace import Loss, TraceInfo
from tui.redaction.stand_ins import Kind

if TYPE_CHECKING:  # the interface asks only whether a snapshot is one of these
    from tui.redaction.redaction import Redaction

Places = TypeVar("Places", Loss, tuple[Damage, ...])

_SHORTEST_DESCRIPTION: Final = 8
"""Of what a list says of a tag: shorter ones are words of any text, and replaced only in their place."""


@dataclass(frozen=True, slots=True)
class RedactedNames:
    """Names as stand-ins (a :class:`~analyzers.pool_tables.Names`), also those that are learnt only later."""

    _names: Names = field(repr=False)
    _redaction: Redaction = field(repr=False)

    def process(self, pid: int, at_ns: int | None = None) -> str:
        """Of a process."""
        return self._redaction.process(self._names.process(pid, at_ns))

    def lives(self, pid: int) -> Sequence[Process]:
        """Every process that had an id."""
        return [replace(life, name=self._redaction.process(life.name)) for life in self._names.lives(pid)]

    def process_names(self) -> frozenset[tuple[int, str]]:
        """Every process."""
        return frozenset((pid, self._redaction.process(name)) for pid, name in sorted(self._names.process_names()))

    def images(self) -> frozenset[tuple[str, str]]:
        """Every image."""
        images = self._names.images()
        self._redaction.know_images(images)
        return self._redaction.value(images)

    def builds(self) -> Mapping[str, frozenset[tuple[int, int]]]:
        """Of every kernel image."""
        return {self._redaction.text(name).lower(): builds for name, builds in self._names.builds().items()}

    def frames(self, stack: int, process: int = 0) -> tuple[Frame, ...]:
        """The frames of a stack."""
        return tuple(map(self._redaction.frame, self._names.frames(stack, process)))

    def frames_of(self, stacks: I32) -> tuple[list[Frame], I64, I64]:
        """The distinct frames of many stacks."""
        frames, which, bounds = self._names.frames_of(stacks)
        return list(map(self._redaction.frame, frames)), which, bounds

    def addresses(self, stacks: I32) -> tuple[U64, I64]:
        """The frames of many stacks."""
        places, bounds = self._names.addresses(stacks)
        return self._redaction.addresses(places), bounds


def is_redacted(snapshot: Snapshot) -> bool:
    """Whether its names are stand-ins."""
    return isinstance(snapshot.names, RedactedNames)


def redacted_query(query: Query, snapshot: Snapshot, redaction: Redaction) -> Query:
    """Filters as they were typed, as filters of the redacted snapshot; ``snapshot``: as it was before."""
    if not query.functions:
        return redaction.query(query)
    frames, _, _ = snapshot.names.frames_of(unique(snapshot.pool.sites.stack))
    pairs = (zip(frame.qualified, redaction.frame(frame).qualified, strict=True) for frame in frames)
    return redaction.query(query, {name: stand_in for each in pairs for name, stand_in in each})


def redacted(snapshot: Snapshot, redaction: Redaction) -> Snapshot:
    """The snapshot as it may be passed on."""
    redaction.machine(snapshot.info.machine_pointer)
    info = redacted_info(snapshot.info, redaction)
    known = _descriptions(snapshot.pool.tags)
    _learn(snapshot, known, redaction)
    return replace(
        snapshot,
        info=info,
        loss=redacted_places(snapshot.loss, redaction),
        damage=redacted_places(snapshot.damage, redaction),
        pool=_pool(snapshot.pool, known, redaction),
        names=RedactedNames(snapshot.names, redaction),
        diagnosis=_diagnosis(snapshot.diagnosis, redaction),
        coverage=redaction.value(snapshot.coverage),
        named=None if snapshot.named is None else redacted_named(snapshot.named, redaction),
        context=None if snapshot.context is None else _context(snapshot.context, redaction),
    )


def redacted_named(named: NamesFound, redaction: Redaction) -> NamesFound:
    """How far names were found; where on this machine, and what else was there, is left out."""
    for each in named.images:
        if each.image.debug is not None and not redaction.is_own(each.image.name):
            redaction.know_path(each.image.debug.name, Kind.PATH)
    images = (replace(each, where="", told=()) for each in named.images)
    return redaction.value(replace(named, images=tuple(images), notes=()))


def redacted_info(info: TraceInfo, redaction: Redaction) -> TraceInfo:
    """The header: stand-ins for its files and its session."""
    path = redaction.know_path(info.path)
    joined = tuple(
        replace(each, path=redaction.know_path(each.path), session=redaction.session(each.session))
        for each in info.joined
    )
    for beside in () if info.rolled is None else info.rolled.beside:
        redaction.know_path(beside)
    return replace(
        info,
        path=path,
        session=redaction.session(info.session),
        joined=tuple(replace(each, why=redaction.text(each.why)) for each in joined),
        rolled=redaction.value(info.rolled),
    )


def redacted_places(places: Places, redaction: Redaction) -> Places:
    """What is lost or damaged, with stand-ins for the files that it is in."""
    for place in (*places.gaps, *places.overwritten) if isinstance(places, Loss) else places:
        if place.file:
            redaction.know_path(place.file)
    return redaction.value(places)


def _learn(snapshot: Snapshot, known: Sequence[bool], redaction: Redaction) -> None:
    """Every name that the snapshot's texts may hold."""
    pool, diagnosis, names = snapshot.pool, snapshot.diagnosis, snapshot.names
    redaction.know_images(names.images())
    shares = [share for finding in diagnosis.findings for share in finding.shares]
    drivers = (
        *(row.name for row in pool.by_driver),
        *pool.sites.driver,
        *(name for name, is_known in zip(pool.tags.driver, known, strict=True) if not is_known),
        *(share.driver for share in shares),
        *(name for finding in diagnosis.findings for name in (finding.driver, finding.allocator)),
        *(group.driver for group in diagnosis.cleared),
        *diagnosis.held_requests.drivers,
    )
    processes = (
        *(row.name for row in pool.by_process),
        *(name for _, name in sorted(names.process_names())),
        *(finding.process for finding in diagnosis.findings),
        *diagnosis.held_requests.processes,
    )
    for kind, every in ((Kind.DRIVER, drivers), (Kind.PROCESS, processes)):
        for name in dict.fromkeys(every):
            redaction.know_image(name, kind)
    for finding in diagnosis.findings:
        _learn_frames(finding, names, redaction)
    for text, is_known in zip(pool.tags.description, known, strict=True):
        if not is_known and len(text) >= _SHORTEST_DESCRIPTION:
            redaction.know(text, redaction.stand_ins.of(Kind.DESCRIPTION, text))


def _learn_frames(finding: Finding, names: Names, redaction: Redaction) -> None:
    between = () if finding.separates is None else (finding.separates.frame,)
    for frame in (*names.frames(finding.stack), *names.frames(finding.user_stack, finding.process_id or 0), *between):
        redaction.know_image(frame.module, Kind.IMAGE)
        redaction.frame(frame)


def _descriptions(tags: TagTable) -> list[bool]:
    """By row, whether driver and description are those that come with Poolscope."""
    ours = built_in()
    told = [ours.lookup(tag) for tag in tags.tag.tolist()]
    return [
        name == TagName(driver, text, "poolscope")
        for name, driver, text in zip(told, tags.driver, tags.description, strict=True)
    ]


def _pool(pool: PoolSnapshot, known: Sequence[bool], redaction: Redaction) -> PoolSnapshot:
    """Columns of numbers stay; of a tag of Poolscope's own list the words, too."""
    tags = pool.tags
    drivers = zip(tags.driver, known, strict=True)
    texts = zip(tags.description, known, strict=True)
    return replace(
        pool,
        tags=replace(
            tags,
            driver=tuple(name if is_known else redaction.text(name) for name, is_known in drivers),
            description=tuple(
                text if is_known or not text else redaction.stand_ins.of(Kind.DESCRIPTION, text)
                for text, is_known in texts
            ),
        ),
        sites=replace(
            pool.sites,
            driver=tuple(map(redaction.text, pool.sites.driver)),
            frame=redaction.addresses(pool.sites.frame),
        ),
        outstanding=replace(pool.outstanding, address=redaction.addresses(pool.outstanding.address)),
        by_process=redaction.value(pool.by_process),
        by_driver=redaction.value(pool.by_driver),
    )


def _diagnosis(diagnosis: Diagnosis, redaction: Redaction) -> Diagnosis:
    return Diagnosis(
        tuple(
            replace(redaction.value(finding), path=tuple(_step(each, redaction) for each in finding.path))
            for finding in diagnosis.findings
        ),
        tuple(redaction.value(each) for each in diagnosis.cleared),
        _held(diagnosis.held_requests, redaction),
    )


def _step(step: PathNode, redaction: Redaction) -> PathNode:
    kind, colon, ids = step.id.partition(":")
    return replace(step, id=f"{kind}{colon}{redaction.text(ids)}", label=redaction.text(step.label))


def _held(held: HeldRequests, redaction: Redaction) -> HeldRequests:
    make = held.make
    return replace(
        held,
        irp=redaction.addresses(held.irp),
        endpoint=redaction.addresses(held.endpoint),
        processes=tuple(map(redaction.text, held.processes)),
        drivers=tuple(map(redaction.text, held.drivers)),
        make=lambda row: replace(
            redaction.value(made := make(row)),
            irp=redaction.address(made.irp),
            endpoint=redaction.address(made.endpoint),
        ),
    )


def _context(context: DiagnosisContext, redaction: Redaction) -> DiagnosisContext:
    evidence = context.held.evidence
    seen = replace(evidence, snapshot=_requests(evidence.snapshot, redaction))
    return replace(
        context, held=replace(context.held, evidence=seen), retention=_retention(context.retention, redaction)
    )


def _requests(requests: RequestSnapshot, redaction: Redaction) -> RequestSnapshot:
    def moved(table: object, *names: str) -> dict[str, Any]:
        return {name: redaction.addresses(getattr(table, name)) for name in names}

    sockets, table = requests.sockets, requests.requests
    of_request = ("irp", "file_object", "routine", "last_routine", "completion_routine", "endpoint")
    return replace(
        requests,
        requests=replace(table, **moved(table, *of_request)),
        sockets=replace(
            sockets,
            local=tuple(map(redaction.text, sockets.local)),
            remote=tuple(map(redaction.text, sockets.remote)),
            **moved(sockets, "endpoint", "process_object", "tcb", "file_object"),
        ),
        entries=replace(requests.entries, **moved(requests.entries, "address")),
    )


def _retention(retention: Retention, redaction: Redaction) -> Retention:
    graph = retention.graph
    new: dict[Node, Node] = {}
    for node in graph.nodes:
        ids = tuple(redaction.text(each) if isinstance(each, str) else each for each in node.ids)
        new[node] = Node(node.kind, ids)
    renamed = graph.renamed(new, redaction.text)
    parent = {new[node]: new[above] for node, above in retention.tree.parent.items()}
    return replace(retention, tree=Dominators(renamed, parent), groups=tuple(new[each] for each in retention.groups))
