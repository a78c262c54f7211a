#!/usr/bin/env bash
# Rebuilds what ships: the net's weights and the table of the decision. Usage: training/build.sh PACKAGES [AUDIO]
set -euo pipefail
cd "$(dirname "$0")/.."
packages=$1
audio=${2:-../shared/audio}
scenes=$(mktemp -d)/scenes.npz
python -m training.make --audio "$audio" --packages "$packages" --out "$scenes"
python -m training.train --scenes "$scenes" --out src/outwait/audio/ear.npz
python -m training.decision --recordings "$audio" --out src/outwait/call/hold_table.py
