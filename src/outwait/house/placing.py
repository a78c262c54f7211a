"""A checked wish and the house make the setup of a call: everything that it is made with, for good."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from outwait.agent import Staffed
from outwait.call.cost import Prices, least_cap
from outwait.call.known import Known
from outwait.call.outcome import BadSchema, Form
from outwait.call.policy import Policy
from outwait.call.setup import Means, Setup, phrases
from outwait.engines.base import Engine
from outwait.house.desk import CallRequest, Refused
from outwait.house.furnishing import House


def setup_of(request: CallRequest, house: House, known: Known | None = None) -> Setup:
    """`known`: what was learned of the number. Raises Refused."""
    staffed = _agent(request, house)
    agent = staffed.agent if staffed is not None else None
    name, engine = _engine(request.engine or (agent.engine if agent is not None else None) or house.engine, house)
    model = engine.capabilities.model
    prices = house.prices(name, model)
    wanted = agent.policy if agent is not None and agent.policy is not None else house.policy
    policy = _limited(wanted, request, prices)
    longest = min(policy.max_session_seconds, engine.capabilities.max_session_seconds * 0.9)
    policy = msgspec.structs.replace(policy, engine=name, model=model, max_session_seconds=longest)
    disclosure = request.disclosure
    if disclosure is None:
        disclosure = agent.disclosure if agent is not None and agent.disclosure is not None else house.disclosure
    slow = engine.capabilities.reaction > policy.patience_seconds
    return Setup(
        id=f"call_{secrets.token_hex(12)}",
        to=request.to,
        from_=request.from_,
        task=request.task,
        carrier=house.carrier.capabilities.name,
        engine=name,
        model=model,
        policy=policy,
        prices=prices,
        reserves=tuple(_means(other, house) for other in house.failover if other != name),
        machine=_means(house.engine_menu, house) if house.engine_menu not in ("", name) else None,
        disclosure=disclosure,
        language=house.language,
        phrases=phrases(disclosure, request.human, house.language, slow=slow, recorded=house.recordings is not None)
        | _sayings(known),
        recorded=house.recordings is not None,
        reaction=engine.capabilities.reaction,
        human=request.human,
        call_back_minutes=request.call_back_minutes,
        transfer_countries=countries_of(request),
        metadata=request.metadata or {},
        menu_path=request.menu_path,
        known=known,
        recogniser=house.recogniser.name if house.recogniser is not None else "",
        agent=agent.name if agent is not None else "",
        instructions=agent.instructions if agent is not None else "",
        tools=staffed.specs if staffed is not None else (),
        outcome_schema=_schema(request, agent.outcome_schema if agent is not None else None),
    )


def countries_of(request: CallRequest) -> tuple[str, ...] | None:
    """Those that the key of whoever asks allows; None: it has no rule."""
    return request.key.limits.countries if request.key is not None else None


def _agent(request: CallRequest, house: House) -> Staffed | None:
    """None: the plain one, on a server that has no other."""
    if request.agent is None:
        return next(iter(house.staff.values()), None)
    if request.agent not in house.staff:
        known = ", ".join(sorted(house.staff)) or "none by name"
        raise Refused("unknown_agent", f"there is no agent {request.agent!r}; there is: {known}", field="agent")
    return house.staff[request.agent]


def _engine(name: str, house: House) -> tuple[str, Engine]:
    engine = house.engines.get(name)
    if engine is None:
        known = ", ".join(sorted(house.engines))
        raise Refused("unknown_engine", f"there is no engine {name!r}; there is: {known}", field="engine")
    return name, engine


def _limited(policy: Policy, request: CallRequest, prices: Prices) -> Policy:
    if request.max_cost_usd is not None:
        cap = round(request.max_cost_usd * 1_000_000)
        least = least_cap(prices)
        if cap < least:
            message = f"max_cost_usd must be at least {least / 1e6:.3f}: one minute of the line and one response"
            raise Refused("cap_too_low", message, field="max_cost_usd")
        policy = msgspec.structs.replace(policy, max_cost_micro_usd=cap)
    if request.max_hold_minutes is not None:
        policy = msgspec.structs.replace(policy, max_hold_seconds=request.max_hold_minutes * 60.0)
    if request.voicemail is not None:
        policy = msgspec.structs.replace(policy, voicemail=request.voicemail)
    return policy


def _sayings(known: Known | None) -> dict[str, str]:
    """What was said to this number's menus and its queue, as phrases: their sound was kept."""
    said = [*(choice.say for choice in known.choices), known.keep_say] if known is not None else []
    return {f"say {text}": text for text in said if text}


def _means(name: str, house: House) -> Means:
    model = house.engines[name].capabilities.model
    return Means(name, model, house.prices(name, model))


def _schema(request: CallRequest, usual: dict[str, Any] | None) -> dict[str, Any] | None:
    schema = request.outcome_schema
    if schema is None:
        return usual
    try:
        Form(schema)
    except BadSchema as error:
        raise Refused("invalid_schema", f"outcome_schema: {error}", field="outcome_schema") from error
    return schema
