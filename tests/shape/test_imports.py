"""Which module may import which, beyond the contracts of import-linter in pyproject.toml."""

from graphlib import TopologicalSorter

import grimp


def test_no_module_imports_itself_by_way_of_others():
    graph = grimp.build_graph("trainshed", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}

    TopologicalSorter(imports).prepare()  # a CycleError says the way round
