"""`outwait label`: a moment in which the ear was wrong becomes a clip that its bench reads."""

from __future__ import annotations

import json
from pathlib import Path

from outwait.bench._labels import Mark, add_label
from outwait.errors import OutwaitError
from outwait.house.recording import may_name_a_file


def keep(path: Path, *, false_resume: float | None, missed: float | None, wav: Path | None, out: Path) -> Path:
    """The clip that was made. `path`: a call object; the times are seconds since answer. Raises OutwaitError."""
    if (false_resume is None) == (missed is None):
        raise OutwaitError("say either --false-resume AT or --missed AT", usage=True)
    try:
        call = str(json.loads(path.read_bytes())["id"])
    except OSError as error:
        raise OutwaitError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise OutwaitError(f"{path}: not a call.json") from error
    if not may_name_a_file(call):
        raise OutwaitError(f"{path}: not a call.json: its id names no file")
    if false_resume is not None:
        return _add(out, wav or path.with_suffix(".wav"), call, "false_resume", false_resume)
    assert missed is not None
    return _add(out, wav or path.with_suffix(".wav"), call, "missed", missed)


def _add(out: Path, wav: Path, call: str, mark: Mark, at: float) -> Path:
    if not wav.exists():
        raise OutwaitError(f"{wav}: there is no recording of this call")
    return add_label(out, wav, call, mark, at)
