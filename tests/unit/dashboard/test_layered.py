import gc
import tracemalloc
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from trainshed.dashboard.layered import GAP_Y, HEADING, Node, draw

EDGES = st.sets(st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda e: e[0] < e[1]))

ROOM = 700  # bytes for each line, with half of the boxes that it leads to; paths of lists of their own took 757


def nodes(*keys, parent=""):
    return [Node(key=key, parent=parent) for key in keys]


def are_apart(one, other):
    x, y, width, height = one
    a, b, w, h = other
    return x + width <= a or a + w <= x or y + height <= b or b + h <= y


def holds(outer, inner):
    x, y, width, height = outer
    a, b, w, h = inner
    return x < a and y + HEADING <= b and a + w < x + width and b + h < y + height


def test_what_comes_later_stands_lower():
    drawing = draw(nodes("c", "a", "b"), [("a", "b"), ("b", "c"), ("a", "c")])

    assert drawing.places["a"][1] < drawing.places["b"][1] < drawing.places["c"][1]
    assert {(line.start, line.end) for line in drawing.lines} == {("a", "b"), ("b", "c"), ("a", "c")}


def test_empty_graph_is_drawn_as_nothing():
    drawing = draw([], [])

    assert (dict(drawing.places), list(drawing.lines)) == ({}, [])


def test_edge_to_an_unknown_node_is_left_out():
    assert draw(nodes("a"), [("a", "ghost")]).lines == []


def test_what_is_not_connected_is_packed_into_rows():
    drawing = draw(nodes(*map(str, range(400))), [])

    assert drawing.width < 5000
    assert drawing.height < 5000


def test_an_edge_to_everything_below_takes_no_lane_for_each_layer():
    chain = [(str(i), str(i + 1)) for i in range(299)]
    drawing = draw(nodes(*map(str, range(300))), [*chain, *(("0", str(i)) for i in range(2, 300))])

    assert sum(len(line.points) for line in drawing.lines) < 300 * 20
    assert drawing.width < 1500


@given(EDGES)
def test_boxes_never_overlap_and_lines_go_down_between_them(edges):
    drawing = draw(nodes(*map(str, range(13))), [(str(a), str(b)) for a, b in edges])

    boxes = list(drawing.places.values())
    for i, box in enumerate(boxes):
        assert all(are_apart(box, other) for other in boxes[i + 1 :])
        assert 0 <= box[0] <= drawing.width - box[2]
        assert 0 <= box[1] <= drawing.height - box[3]
    for line in drawing.lines:
        assert [y for _, y in line.points] == sorted(y for _, y in line.points)
        for (x1, y1), (x2, y2) in pairwise(line.points):
            assert not any(x < x1 < x + w and y1 < y + h / 2 < y2 for x, y, w, h in boxes), "a line behind a box"
            assert x1 == x2 or y2 - y1 == GAP_Y


def test_a_group_is_around_what_is_in_it():
    made = [*nodes("first"), Node(key="loop"), *nodes("loop.a", parent="loop"), *nodes("last")]
    drawing = draw(made, [("first", "loop"), ("loop", "loop.a"), ("loop.a", "last")])

    assert holds(drawing.places["loop"], drawing.places["loop.a"])
    assert {(line.start, line.end) for line in drawing.lines} == {("first", "loop"), ("loop", "last")}


def test_groups_that_lead_to_each_other_by_what_is_in_them_are_drawn_all_the_same():
    made = [Node(key="a"), Node(key="b"), *nodes("a.in", parent="a"), *nodes("b.in", parent="b")]
    drawing = draw(made, [("a.in", "b.in"), ("b", "a")])

    assert are_apart(drawing.places["a"], drawing.places["b"])


@given(
    st.lists(st.integers(-1, 5), min_size=6, max_size=14),
    st.sets(st.tuples(st.integers(0, 13), st.integers(0, 13)).filter(lambda e: e[0] < e[1])),
)
def test_boxes_of_one_group_never_overlap_and_stay_inside(parents, edges):
    made = [Node(key=str(i), parent=str(parent) if 0 <= parent < i else "") for i, parent in enumerate(parents)]
    drawing = draw(made, [(str(a), str(b)) for a, b in edges])

    for node in made:
        if node.parent:
            assert holds(drawing.places[node.parent], drawing.places[node.key])
        for other in made:
            if other.parent == node.parent and other.key != node.key:
                assert are_apart(drawing.places[node.key], drawing.places[other.key])


def test_thousands_of_nodes_are_laid_out_in_little_room():
    boxes = [Node(key=f"task-{i}") for i in range(2_000)]
    edges = [(f"task-{i}", f"task-{j}") for i in range(1_900) for j in (i + 50, i + 51)]
    draw(boxes, edges)
    gc.collect()
    tracemalloc.start()
    try:
        drawn = draw(boxes, edges)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(drawn.lines) == len(edges)
    assert most / len(edges) < ROOM
