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
