"""What the simulated Live server charges, by its own arithmetic: the figure a meter must agree with."""

from __future__ import annotations

from dataclasses import dataclass, field

_MINUTE = {"gpt-live-1": 0.05}  # USD
_BACKENDS = {
    "gpt-5.4-mini": (0.75, 0.075, 4.50),
    "gpt-5.4-nano": (0.20, 0.02, 1.25),
}  # USD a million: in, cached, out

MODELS = frozenset(_MINUTE)
BACKENDS = frozenset(_BACKENDS)


@dataclass
class LiveBill:
    """Everything charged so far.

    seconds
        of each session, by its number
    told
        of these, what its client was told last
    """

    seconds: dict[int, float] = field(default_factory=dict)
    told: dict[int, float] = field(default_factory=dict)
    backend_usd: float = 0.0
    _models: dict[int, str] = field(default_factory=dict)

    @property
    def usd(self) -> float:
        """The sum."""
        return sum(map(self._charge, self.seconds, self.seconds.values())) + self.backend_usd

    @property
    def lost_usd(self) -> float:
        """The part that the client was never told about."""
        return sum(self._charge(number, s - self.told.get(number, 0.0)) for number, s in self.seconds.items())

    def session(self, number: int, model: str, seconds: float) -> None:
        """This session has lasted so long in all."""
        self._models[number] = model
        self.seconds[number] = max(seconds, self.seconds.get(number, 0.0))

    def tell(self, number: int) -> float:
        """The client is told what was counted; seconds, rounded as the wire has them."""
        self.told[number] = self.seconds.get(number, 0.0)
        return round(self.told[number], 3)

    def backend(self, model: str, text_in: int, cached: int, text_out: int) -> None:
        """Charge a response of the text model."""
        prices = _BACKENDS[model]
        amounts = (text_in - cached, cached, text_out)
        self.backend_usd += sum(amount * price for amount, price in zip(amounts, prices, strict=True)) / 1e6

    def _charge(self, number: int, seconds: float) -> float:
        return _MINUTE[self._models[number]] * seconds / 60
