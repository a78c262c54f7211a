#!/usr/bin/env bash
# Rebuilds what ships: the net's weights and the table of the decision. Usage: training/build.sh PACKAGES [AUDIO] [LABELS]
set -euo pipefail
cd "$(dirname "$0")/.."
packages=$1
audio=${2:-../shared/audio}
labels=${3:-}
work=$(mktemp -d)
python -m training.voices --out "$work/voices"
scenes() { # NAME SEED, and more options of training.make
  python -m training.make --audio "$audio" --audio "$work/voices" --packages "$packages" --scenes "${SCENES:-9000}" \
    --songs "${SONGS:-420}" --out "$work/$1.npz" --seed "$2" "${@:3}"
}
scenes first 20261122 --songs-out "$work/songs"
python -m training.train --scenes "$work/first.npz" --steps "${STEPS:-9000}" --out "$work/first-ear.npz"
scenes second 20261126 --heard-by "$work/first-ear.npz"
python -m training.train --scenes "$work/first.npz" --scenes "$work/second.npz" --steps "${STEPS:-9000}" \
  --start "$work/first-ear.npz" --rate 0.003 --out src/outwait/audio/ear.npz
python -m training.heldout --packages "$packages" --audio "$audio" --out "$work/heldout"
python -m training.decision --recordings "$audio" --recordings "$work/voices" --recordings "$work/songs" \
  --recordings "$work/heldout" --holds "${HOLDS:-110}" ${labels:+--labels "$labels"} --out src/outwait/call/hold_table.py
