import json

import pytest

from outwait.bench.keys import main


def test_the_figures_are_printed_and_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--keys", "60", "--seeds", "1", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["line"] for line in lines] == ["G.711", "GSM", "2 % lost", "GSM, 2 % lost"]
    assert lines[0]["right"]["Q.24"] == 1.0
