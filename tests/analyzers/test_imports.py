"""No circle of imports among the analyzers, those for types included."""

from __future__ import annotations

import grimp
import networkx as nx


def test_no_analyzer_imports_itself_by_way_of_others() -> None:
    imports = grimp.build_graph("analyzers")
    graph: nx.DiGraph[str] = nx.DiGraph(
        (importer, imported)
        for importer in imports.modules
        for imported in imports.find_modules_directly_imported_by(importer)
    )
    assert graph.number_of_edges() > 200
    circles = [sorted(modules) for modules in nx.strongly_connected_components(graph) if len(modules) > 1]
    assert not circles
