"""Fits the decision (`outwait.call.hold_table`) on holds composed of the training recordings.

`python -m training.decision --recordings ../shared/audio --out src/outwait/call/hold_table.py`. Boosted trees over the
evidence of every stretch of every voice. A live voice counts evenly from the person's first second to their fifth; a
recorded one mostly where it looks most alive, since one slip is a false resume. Moments marked by a user
(`outwait label`, `--labels`) count as holds of their own.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from outwait.audio.ear import Ear
from outwait.bench._holds import HABITS, Composer, Hold, read_manifest
from outwait.bench._labels import read_labels
from outwait.bench.ear import hear
from outwait.call import hold_voice
from outwait.call.hold import Evidence, HoldLogic, HoldPolicy, Scored
from outwait.call.hold_forest import Forest

SEEDS = (12, 21, 31)
UNHEARD_SEEDS = (51, 52, 53, 54, 55, 56, 57, 58)  # of holds whose voices the net was not trained on
SHORT_SEEDS, SHORT_UNHEARD_SEEDS = (63, 64), (61, 62)  # the same, of holds in which the person is back at once
# Each seed is composed twice: as the benchmark composes, and with announcements that come often.
OFTEN = HABITS._replace(seconds=(120.0, 480.0), every=(8.0, 60.0), unsteady=(0.3,))
NAMES = Evidence._fields
TREES = 320
LEAVES = 32
RATE = 0.05
LIVE_WEIGHT = 6.0  # a live voice against a recorded one
OVER_MUSIC = 4.0  # times that a person counts who speaks over music: one of many recordings does, too
FIRST, LAST = 1.0, 5.5  # seconds after the person's first word in which the live voice counts
LABEL_WEIGHT = 3  # times that a moment marked by a user counts
WEIGHT = 0.3  # mean weight of a stretch, against the trees' regularisation
ROUNDS = 3  # times the stretches of a recording are weighed anew by how alive they look
# What may only speak for (1) or against (-1) a person as it grows: the scenes do not know all habits of the world.
SIGNS = {
    "room": 1, "new_room": 1, "since_tone": -1, "person_voice": 1, "quiet": 1, "quiet_surplus": 1,
    "repeats": 1, "soft_music": 1, "speech": 1, "like_announcement": 1, "like_loudness": 1, "since_hold": 1,
    "again": 1, "talk": -1, "singing_under": -1, "heard_before": -1, "recorded_voice": -1, "music_after": -1,
    "run": -1, "plays_on": 1, "over_before": -1, "waited": 1, "answered": 1, "broke_silence": 1,
    "alone": 1, "beat": -1,
}  # fmt: skip


@dataclass(slots=True)
class Voice:
    """One candidate, as the logic saw it."""

    live: bool
    evidence: NDArray[np.float64]
    """(ticks, names)"""
    since: NDArray[np.float64]
    """(ticks,) seconds since its onset, or since the person's first word when it is live"""
    weight: float
    """of it, when it is live"""


def voices(hold: Hold, scores: list[Scored]) -> list[Voice]:
    """Every voice of a hold, with its evidence at each stretch; the logic never resumes here."""
    hold_voice._FOREST = Forest((), len(NAMES))  # the present table may be of other evidence
    logic = HoldLogic(HoldPolicy(returned_odds=1e9, maybe_odds=1e9), on_hold=True)
    returns = hold.returns if hold.returns is not None else 1e9
    rows: list[tuple[bool, list[Evidence], list[float]]] = []
    seen: object = None
    for score in scores:
        if score.at > returns + LAST + 4.0:
            break
        logic.hear(score, agent_speaking=False)
        candidate = logic._candidate
        if candidate is None:
            seen = None
            continue
        live = candidate.onset >= returns - 0.35
        if candidate is not seen:
            seen = candidate
            rows.append((live, [], []))
        rows[-1][1].append(candidate.evidence(logic._past))
        rows[-1][2].append(score.at - (returns if live else candidate.onset))
    weight = LIVE_WEIGHT * (OVER_MUSIC if hold.kind == "person over music" else 1.0)
    return [Voice(live, np.array(evidence), np.array(since), weight) for live, evidence, since in rows]


def fit(all_voices: list[Voice]) -> HistGradientBoostingClassifier:
    """Boosted trees, monotone where SIGNS says so. Every recorded voice weighs 1, every live one `weight`."""
    x = np.vstack([voice.evidence for voice in all_voices])
    y = np.concatenate([np.full(len(voice.since), voice.live) for voice in all_voices])
    model = None
    for _ in range(ROUNDS):
        odds = model.decision_function(x) if model is not None else np.zeros(len(y))
        share, first = np.zeros(len(y)), 0
        for voice in all_voices:
            own = slice(first, first + len(voice.since))
            first += len(voice.since)
            if voice.live:
                counts = (voice.since >= FIRST) & (voice.since <= LAST)
                share[own] = counts * voice.weight / max(counts.sum(), 1)
            else:
                alive = np.exp(odds[own] - odds[own].max())
                share[own] = alive / max(alive.sum(), 1e-9)
        share *= WEIGHT * len(share) / share.sum()
        model = HistGradientBoostingClassifier(
            max_iter=TREES,
            max_leaf_nodes=LEAVES,
            learning_rate=RATE,
            min_samples_leaf=120,
            l2_regularization=8.0,
            monotonic_cst=[SIGNS.get(name, 0) for name in NAMES],
            random_state=1,
        ).fit(x, y, sample_weight=share)
    assert model is not None
    return model


def table(model: HistGradientBoostingClassifier) -> str:
    """The trees as the source of `outwait.call.hold_table`."""
    lines = []
    for number, (tree,) in enumerate(model._predictors):
        offset = float(model._baseline_prediction.ravel()[0]) if number == 0 else 0.0
        nodes = [
            (-1, round(float(node["value"]) + offset, 4), 0, 0)
            if node["is_leaf"]
            else (
                int(node["feature_idx"]),
                round(float(node["num_threshold"]), 4),
                int(node["left"]),
                int(node["right"]),
            )
            for node in tree.nodes
        ]
        lines.append(f"    {tuple(nodes)!r},")
    return HEAD + "\n".join(lines) + "\n)\n"


HEAD = '''"""How the evidence about a voice on hold adds up to odds: made by `training.decision`, not by hand.

Each tree is a tuple of nodes (feature, edge, left, right): go left when the feature of `Evidence` is at most the edge.
A leaf has feature -1, and its edge is what the tree adds to the log odds.
"""

# ruff: noqa: E501
# fmt: off
TREES: tuple[tuple[tuple[int, float, int, int], ...], ...] = (
'''


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=Path, action="append", required=True)
    parser.add_argument("--labels", type=Path, help="folder of moments marked with `outwait label`")
    parser.add_argument("--holds", type=int, default=110, help="holds for each of the seeds")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    train, fresh = read_manifest(options.recordings, "train"), read_manifest(options.recordings, "fit")
    unheard = fresh + [clip for clip in train if not clip.kind.startswith("speech")]
    ear = Ear.load()
    heard = [
        voice
        for clips, seeds, short in (
            (train + fresh, SEEDS, HABITS.short),
            (unheard, UNHEARD_SEEDS, HABITS.short),
            (train + fresh, SHORT_SEEDS, 1.0),
            (unheard, SHORT_UNHEARD_SEEDS, 1.0),
        )
        for seed in seeds
        for habits in (HABITS, OFTEN)
        for hold in Composer(clips, seed).holds(options.holds, habits._replace(short=short))
        for voice in voices(hold, hear(ear, hold))
    ]
    for hold in read_labels(options.labels) if options.labels else []:
        heard += voices(hold, hear(ear, hold)) * LABEL_WEIGHT
    options.out.write_text(table(fit(heard)))


if __name__ == "__main__":
    main()
