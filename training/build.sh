#!/usr/bin/env bash
# Rebuilds what ships: the net's weights and the table of the decision. Usage: training/build.sh PACKAGES [AUDIO]
set -euo pipefail
cd "$(dirname "$0")/.."
packages=$1
audio=${2:-../shared/audio}
work=$(mktemp -d)
python -m training.make --audio "$audio" --packages "$packages" --songs-out "$work/songs" --out "$work/scenes.npz"
python -m training.train --scenes "$work/scenes.npz" --steps 5200 --out "$work/first.npz"
python -m training.train --scenes "$work/scenes.npz" --steps 2300 --start "$work/first.npz" --rate 0.0018 \
  --out src/outwait/audio/ear.npz
python -m training.decision --recordings "$audio" --recordings "$work/songs" --out src/outwait/call/hold_table.py
