from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from trainshed.dashboard.graph import GAP_Y, HEIGHT, WIDTH, Node, draw


def nodes(*keys):
    return [Node(key=k, label=k, detail="", kind="task") for k in keys]


def test_what_comes_later_stands_lower():
    drawing = draw(nodes("c", "a", "b"), [("a", "b"), ("b", "c"), ("a", "c")])

    height = {p.node.key: p.y for p in drawing.nodes}
    assert height["a"] < height["b"] < height["c"]
    assert len(drawing.edges) == 3


def test_empty_graph_is_drawn_as_nothing():
    drawing = draw([], [])

    assert (drawing.nodes, drawing.edges) == ([], [])


def test_edge_to_an_unknown_node_is_left_out():
    assert draw(nodes("a"), [("a", "ghost")]).edges == []


@given(st.sets(st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda e: e[0] < e[1])))
def test_boxes_never_overlap_and_edges_point_down(edges):
    drawing = draw(nodes(*map(str, range(13))), [(str(a), str(b)) for a, b in edges])

    boxes = [(p.x, p.y) for p in drawing.nodes]
    for i, (x, y) in enumerate(boxes):
        for other_x, other_y in boxes[i + 1 :]:
            assert abs(x - other_x) >= WIDTH or abs(y - other_y) >= HEIGHT
        assert 0 <= x <= drawing.width - WIDTH
        assert 0 <= y <= drawing.height - HEIGHT
    for line in drawing.edges:
        heights = [y for _, y in line]
        assert heights == sorted(heights)
        for (x1, y1), (x2, y2) in pairwise(line):
            assert not any(x < x1 < x + WIDTH and y1 < y + HEIGHT / 2 < y2 for x, y in boxes), (
                "a line runs behind a box"
            )
            assert x1 == x2 or y2 - y1 == GAP_Y


def a_group(key, parent=""):
    return Node(key=key, label=key, detail="", kind="group", parent=parent)


def boxes_of(drawing):
    return {p.node.key: (p.x, p.y, p.x + p.width, p.y + p.height) for p in drawing.nodes}


def holds(outer, inner):
    return outer[0] < inner[0] and outer[1] + HEIGHT < inner[1] and inner[2] < outer[2] and inner[3] < outer[3]


def test_a_group_is_around_what_is_in_it():
    loop = [a_group("loop"), Node(key="loop.a", label="a", detail="", kind="task", parent="loop")]
    drawing = draw(
        [*nodes("first"), *loop, *nodes("last")], [("first", "loop"), ("loop", "loop.a"), ("loop.a", "last")]
    )

    boxes = boxes_of(drawing)
    assert holds(boxes["loop"], boxes["loop.a"])
    assert boxes["first"][3] < boxes["loop"][1]
    assert boxes["loop"][3] < boxes["last"][1]
    assert [line[0][1] for line in drawing.edges] == [boxes["first"][3], boxes["loop"][3]]


def test_groups_are_drawn_before_what_is_in_them():
    made = [a_group("a"), a_group("a.b", "a"), Node(key="a.b.c", label="c", detail="", kind="task", parent="a.b")]

    assert [p.node.key for p in draw(made, []).nodes] == ["a", "a.b", "a.b.c"]


@given(
    st.lists(st.integers(-1, 5), min_size=6, max_size=14),
    st.sets(st.tuples(st.integers(0, 13), st.integers(0, 13)).filter(lambda e: e[0] < e[1])),
)
def test_boxes_of_one_group_never_overlap_and_stay_inside(parents, edges):
    groups = {parent for i, parent in enumerate(parents) if 0 <= parent < i}
    made = [
        Node(
            key=str(i), label="", detail="", kind="group" if i in groups else "task",
            parent=str(parent) if 0 <= parent < i else "",
        )
        for i, parent in enumerate(parents)
    ]  # fmt: skip
    drawing = draw(made, [(str(a), str(b)) for a, b in edges])

    boxes = boxes_of(drawing)
    for node in made:
        x1, y1, x2, y2 = boxes[node.key]
        assert x1 >= 0
        assert y1 >= 0
        assert x2 <= drawing.width
        assert y2 <= drawing.height
        if node.parent:
            assert holds(boxes[node.parent], boxes[node.key])
        for other in made:
            if other.parent == node.parent and other.key != node.key:
                a1, b1, a2, b2 = boxes[other.key]
                assert x2 <= a1 or a2 <= x1 or y2 <= b1 or b2 <= y1
