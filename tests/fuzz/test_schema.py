"""schemathesis against our own description of the API: every answer is one that the description allows."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi import checks

from outwait.web.app import build
from tests.web.desk import FakeDesk, call_object
from tests.web.desk import settings as server_settings

EXAMPLES = 40  # requests to each operation


class Desk(FakeDesk):
    """One call that lives and one that has ended; event streams that end."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = {"c-live": call_object("c-live"), "c-ended": call_object("c-ended", status="completed")}
        self.ended = {"c-ended"}
        self.told = {name: [("ended", b'{"kind":"ended"}')] for name in self.calls}


KEY = {"Authorization": "Bearer a key"}
APP = build(Desk(), server_settings(api_key="a key"), "http://127.0.0.1:8080")
schema = schemathesis.openapi.from_asgi("/openapi.json", APP, headers=KEY)


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case: Any) -> None:
    unchecked = [checks.positive_data_acceptance]  # a short code is a well-formed number, and is refused all the same
    if case.method == "GET":
        unchecked.append(checks.negative_data_rejection)  # query parameters that we do not know are let pass
    case.call_and_validate(headers=KEY, excluded_checks=unchecked)
