from trainshed.dashboard.runs import folding


def a_node(key, kind="task", parent="", component="comp"):
    return {"id": key, "kind": kind, "name": key.rpartition(".")[2], "parent": parent, "component": component}


def an_edge(start, end, kind="order"):
    return {"from": start, "to": end, "kind": kind}


def see(graph, *, opened=(), folded=(), has_artifacts=True):
    return folding.see(graph, opened=opened, folded=folded, has_artifacts=has_artifacts)


def keys(seen):
    return [item.id for item in seen.items]


NESTED = folding.whole(
    [
        a_node("first"),
        a_node("outer", "dag"),
        a_node("outer.inner", "loop", "outer"),
        a_node("outer.inner.task", parent="outer.inner"),
        a_node("last"),
        an_edge("first", "outer"),
        an_edge("outer.inner.task", "last"),
        an_edge("outer", "outer.inner", "inside"),
    ]
)


def test_small_graph_is_open():
    assert keys(see(NESTED)) == ["first", "outer", "outer.inner", "outer.inner.task", "last"]


def test_folded_group_stands_for_everything_in_it_however_deep():
    seen = see(NESTED, folded=["outer"])

    assert keys(seen) == ["first", "outer", "last"]
    assert [(start, end) for start, end, _ in seen.edges] == [("first", "outer"), ("outer", "last")]
    assert [item.id for item in seen.hidden] == ["outer.inner", "outer.inner.task"]


def test_artifacts_that_are_left_out_are_edges_from_their_makers():
    artifact = {"id": "a/model", "kind": "artifact", "name": "model", "type": "system.Model", "parent": ""}
    edges = [an_edge("a", "a/model", "output"), an_edge("a/model", "b", "input")]
    seen = see(folding.whole([a_node("a"), artifact, a_node("b"), *edges]), has_artifacts=False)

    assert keys(seen) == ["a", "b"]
    assert list(seen.edges) == [("a", "b", "data")]


def test_equal_tasks_side_by_side_are_a_group_that_folds():
    parts = [f"part-{i}" for i in range(20)]
    nodes = [a_node("first", component="one"), *(a_node(part) for part in parts), a_node("last", component="two")]
    edges = [*(an_edge("first", part) for part in parts), *(an_edge(part, "last") for part in parts)]
    graph = folding.whole([*nodes, *edges])

    seen = see(graph, folded=["~part-0"])
    assert keys(seen) == ["first", "~part-0", "last"]
    assert [(start, end) for start, end, _ in seen.edges] == [("first", "~part-0"), ("~part-0", "last")]
    assert folding.around(graph, "part-7") == ["~part-0"]


def test_large_graph_opens_folded():
    inside = [a_node(f"group.{i}", parent="group") for i in range(folding.MANY)]
    graph = folding.whole([a_node("group", "dag"), *inside])

    assert keys(see(graph)) == ["group"]
    assert len(see(graph, opened=["group"]).items) == folding.MANY + 1
