"""The trees of the decision give what a walk down each of them gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outwait.call.hold_forest import Forest, Node
from outwait.call.hold_table import TREES
from outwait.call.hold_voice import Evidence

FEATURES = len(Evidence._fields)
EDGES = [sorted({edge for tree in TREES for own, edge, _, _ in tree if own == feature}) for feature in range(FEATURES)]
SHIPPED = Forest(TREES, FEATURES)


def walked(tree: tuple[Node, ...], row: list[float]) -> float:
    """What the tree adds, the plain way."""
    node = 0
    while tree[node][0] >= 0:
        feature, edge, left, right = tree[node]
        node = left if row[feature] <= edge else right
    return tree[node][1]


rows = st.tuples(
    *(st.one_of(st.sampled_from([*edges, 0.0, 1.0]), st.floats(-300.0, 300.0, allow_nan=False)) for edges in EDGES)
).map(list)


@given(rows)
def test_the_table_that_ships(row: list[float]) -> None:
    assert SHIPPED.weigh(row) == pytest.approx(sum(walked(tree, row) for tree in TREES), abs=1e-9)


def test_an_edge_belongs_to_the_left() -> None:
    tree = ((0, 0.5, 1, 2), (-1, -1.0, 0, 0), (-1, 2.5, 0, 0))
    forest = Forest([tree, tree], 1)
    assert [forest.weigh([value]) for value in (0.0, 0.5, 0.5001)] == [-2.0, -2.0, 5.0]


def test_a_leaf_alone_and_no_tree_at_all() -> None:
    assert Forest([((-1, 0.25, 0, 0),)], 2).weigh([1.0, 2.0]) == 0.25
    assert Forest([], 2).weigh([1.0, 2.0]) == 0.0


def test_more_leaves_than_there_are_bits() -> None:
    leaning: list[Node] = []
    for edge in range(32):
        leaning += [(0, float(edge), 2 * edge + 1, 2 * edge + 2), (-1, float(edge), 0, 0)]
    leaning.append((-1, 32.0, 0, 0))
    with pytest.raises(ValueError, match="33 leaves"):
        Forest([leaning], 1)
    full = [*leaning[:62], (-1, 31.0, 0, 0)]
    assert [Forest([full], 1).weigh([value]) for value in (0.0, 17.5, 30.5, 99.0)] == [0.0, 18.0, 31.0, 31.0]


def test_a_number_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="number 3"):
        Forest([((3, 0.0, 1, 2), (-1, 0.0, 0, 0), (-1, 1.0, 0, 0))], 3)
