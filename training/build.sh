#!/usr/bin/env bash
# Rebuilds what ships: the net's weights and the table of the decision. Usage: training/build.sh PACKAGES [AUDIO] [LABELS]
set -euo pipefail
cd "$(dirname "$0")/.."
packages=$1
audio=${2:-../shared/audio}
labels=${3:-}
work=$(mktemp -d)
python -m training.voices --out "$work/voices"
python -m training.make --audio "$audio" --audio "$work/voices" --packages "$packages" --songs-out "$work/songs" \
  --scenes "${SCENES:-9000}" --songs "${SONGS:-420}" --out "$work/scenes.npz"
python -m training.train --scenes "$work/scenes.npz" --steps "${STEPS:-9000}" --out "$work/first.npz"
python -m training.train --scenes "$work/scenes.npz" --steps "$((${STEPS:-9000} / 3))" --start "$work/first.npz" --rate 0.002 \
  --out src/outwait/audio/ear.npz
python -m training.heldout --packages "$packages" --audio "$audio" --out "$work/heldout"
python -m training.decision --recordings "$audio" --recordings "$work/voices" --recordings "$work/songs" \
  --recordings "$work/heldout" --holds "${HOLDS:-110}" ${labels:+--labels "$labels"} --out src/outwait/call/hold_table.py
