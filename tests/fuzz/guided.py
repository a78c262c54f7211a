"""Fuzzing guided by coverage: `python -m tests.fuzz.guided "call logs" -runs=100000`. Needs atheris.

Without a name it lists them. What follows the name goes to libFuzzer.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path


def main() -> int:
    """Until a crash, or as long as libFuzzer is told."""
    try:
        import atheris
    except ImportError:
        sys.stderr.write("atheris is not installed\n")
        return 1
    with atheris.instrument_imports(include=["outwait"]):
        from tests.fuzz.parsers import PARSERS
    chosen = [parser for parser in PARSERS if parser.name in sys.argv[1:2]]
    if not chosen:
        sys.stdout.writelines(f"{parser.name}\n" for parser in PARSERS)
        return 2
    (parser,) = chosen
    folder = Path(tempfile.mkdtemp())
    corpus = Path(tempfile.mkdtemp())
    for number, sample in enumerate(parser.samples):
        (corpus / str(number)).write_bytes(sample)
    atheris.Setup([sys.argv[0], str(corpus), *sys.argv[2:]], lambda data: parser.feed(data, folder))
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
