"""The load of the benchmarks: a carrier and a realtime model that cost little, so that the server's own cost shows.

Both sides of every call run in this process, on one clock. WebSockets are spoken by hand, a few microseconds a frame;
what is left out is judgement: this carrier and this model believe everything. `outwait.sim` is the strict world.
"""

from outwait.bench._load.carrier import Carrier
from outwait.bench._load.model import Model
from outwait.bench._load.pace import FRAME, Clicks, Delays, Pacer, payloads
from outwait.bench._load.process import (
    Measured,
    Server,
    house,
    measure,
    milliseconds,
    phases,
    place,
    quantile,
    server,
    until,
)

__all__ = [
    "FRAME",
    "Carrier",
    "Clicks",
    "Delays",
    "Measured",
    "Model",
    "Pacer",
    "Server",
    "house",
    "measure",
    "milliseconds",
    "payloads",
    "phases",
    "place",
    "quantile",
    "server",
    "until",
]
