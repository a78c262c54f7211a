"""Adds up what many small decision trees say about one row of numbers, without walking down any of them. Pure.

The leaves of a tree are bits, counted from the left. A test that fails rules out the leaves on its left side; once all
the failed tests have had their say, the lowest bit that is left is the leaf that a walk from the root would have ended
in. Which tests of a feature fail depends only on where its value lies among their edges, so what they rule out together
is known beforehand. The bits of all the trees lie side by side in one whole number, so that one `&` a feature does for
all of them. After Lucchese et al., "QuickScorer", SIGIR 2015.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from operator import and_, getitem
from struct import Struct
from typing import Final

Node = tuple[int, float, int, int]  # feature, edge, left, right; or -1, what the leaf adds, 0, 0

_LEAVES: Final = 32  # of a tree, at most: the bits of its field
_GRAIN: Final = 10_000  # what leaves add is kept in whole 1/10,000, so that the sum is exact in any order


class Forest:
    """Trees over `features` numbers, ready to weigh.

    Raises ValueError when a tree has more than 32 leaves, or asks for a number that there is not.
    """

    def __init__(self, trees: Sequence[Sequence[Node]], features: int) -> None:
        everything = 0
        self._adds: list[dict[int, int]] = []  # of each tree: the bit of a leaf -> what it adds
        failed: list[dict[float, int]] = [{} for _ in range(features)]  # of each feature: edge -> leaves ruled out
        for number, tree in enumerate(trees):
            field = number * _LEAVES
            leaves, tests = _read(tree)
            if len(leaves) > _LEAVES:
                raise ValueError(f"tree {number} has {len(leaves)} leaves, more than {_LEAVES}")
            self._adds.append({1 << bit: round(adds * _GRAIN) for bit, adds in enumerate(leaves)})
            everything |= ((1 << len(leaves)) - 1) << field
            for feature, edge, out in tests:
                if feature >= features:
                    raise ValueError(f"tree {number} asks for number {feature}, there are {features} from 0 on")
                failed[feature][edge] = failed[feature].get(edge, 0) | out << field
        self._everything = everything
        self._edges = [sorted(edges) for edges in failed]
        self._left = [  # of each feature: what is left of everything when none, one, two... of its edges are passed
            [*accumulate((~out[edge] for edge in edges), and_, initial=everything)]
            for edges, out in zip(self._edges, failed, strict=True)
        ]
        self._ones = sum(1 << number * _LEAVES for number in range(len(trees)))
        self._fields = Struct(f"<{len(trees)}I")

    def weigh(self, row: Sequence[float]) -> float:
        """The sum of what the trees add for these numbers: a tree goes left where a number is at most the edge."""
        left = self._everything
        for value, edges, after in zip(row, self._edges, self._left, strict=True):
            left &= after[bisect_left(edges, value)]
        # The lowest bit of every field at once: a carry runs up to it and no further, since each has one.
        lowest = left & ((self._everything ^ left) + self._ones)
        fields = self._fields.unpack(lowest.to_bytes(self._fields.size, "little"))
        return sum(map(getitem, self._adds, fields)) / _GRAIN


def _read(tree: Sequence[Node]) -> tuple[list[float], list[tuple[int, float, int]]]:
    """What the leaves add, from the left, and of each test its feature, its edge and the leaves on its left side."""
    leaves: list[float] = []
    tests: list[tuple[int, float, int]] = []

    def walk(node: int) -> None:
        feature, edge, left, right = tree[node]
        if feature < 0:
            leaves.append(edge)
            return
        first = len(leaves)
        walk(left)
        tests.append((feature, edge, (1 << len(leaves)) - (1 << first)))
        walk(right)

    walk(0)
    return leaves, tests
