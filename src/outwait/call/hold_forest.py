"""Adds up what many small decision trees say about one row of numbers, without walking down any of them. Pure.

The leaves of a tree are bits, counted from the left. A test that fails rules out the leaves on its left side; once all
the failed tests have had their say, the lowest bit that is left is the leaf that a walk from the root would have ended
in. Which tests of a feature fail depends only on where its value lies among their edges, so what they rule out together
is known beforehand, for all trees at once. After Lucchese et al., "QuickScorer", SIGIR 2015.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Node = tuple[int, float, int, int]  # feature, edge, left, right; or -1, what the leaf adds, 0, 0

_LEAVES: Final = 32  # of a tree, at most: the bits of what is left of it
_GRAIN: Final = 10_000  # what leaves add is kept in whole 1/10,000, so that the sum is exact in any order
_ONE: Final = np.uint32(1)


class Forest:
    """Trees over `features` numbers, ready to weigh.

    Raises ValueError when a tree has more than 32 leaves, or asks for a number that there is not.
    """

    def __init__(self, trees: Sequence[Sequence[Node]], features: int) -> None:
        everything = np.zeros(len(trees), np.uint32)
        self._adds = np.zeros((len(trees), _LEAVES), np.int64)
        failed: list[dict[float, list[tuple[int, int]]]] = [{} for _ in range(features)]
        for number, tree in enumerate(trees):
            leaves, tests = _read(tree)
            if len(leaves) > _LEAVES:
                raise ValueError(f"tree {number} has {len(leaves)} leaves, more than {_LEAVES}")
            everything[number] = (1 << len(leaves)) - 1
            self._adds[number, : len(leaves)] = np.rint(np.array(leaves) * _GRAIN)
            for feature, edge, out in tests:
                if feature >= features:
                    raise ValueError(f"tree {number} asks for number {feature}, there are {features} from 0 on")
                failed[feature].setdefault(edge, []).append((number, out))
        self._edges = [sorted(edges) for edges in failed]
        self._first: list[int] = []  # of each feature its first row of `_left`, no edge passed; one more a row
        rows: list[NDArray[np.uint32]] = []
        for edges in failed:
            self._first.append(len(rows))
            rows.append(everything)
            for edge in sorted(edges):
                left = rows[-1].copy()
                for number, out in edges[edge]:
                    left[number] &= ~np.uint32(out)
                rows.append(left)
        self._left = np.stack(rows)  # (features + edges, trees)
        self._trees = np.arange(len(trees))

    def weigh(self, row: Sequence[float]) -> float:
        """The sum of what the trees add for these numbers: a tree goes left where a number is at most the edge."""
        passed = [
            first + bisect_left(edges, value) for value, edges, first in zip(row, self._edges, self._first, strict=True)
        ]
        left = np.bitwise_and.reduce(self._left[passed], axis=0)
        lowest = np.bitwise_count(~left & (left - _ONE))
        return int(self._adds[self._trees, lowest].sum()) / _GRAIN


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
