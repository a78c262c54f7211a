"""Every tunable of a call, with its unit. Passed in whole; nothing in the core has a default of its own."""

from __future__ import annotations

from typing import Literal

import msgspec

from outwait.call.hold import HoldPolicy


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How a call behaves. Media seconds are counted in audio, wall seconds by the clock."""

    hold: HoldPolicy = msgspec.field(default_factory=HoldPolicy)
    # how a hold and its end are recognised

    # --- the line
    ring_seconds: int = 60
    # s; the carrier gives up ringing then
    ring_grace: float = 30.0
    # wall s after that without a word from the carrier until we ask it
    max_hold_seconds: float = 3600.0
    # media s; a single hold longer than this ends the call
    time_limit_margin: int = 1200
    # s beyond the hold limit after which the carrier itself ends the call
    stream_wait: float = 20.0
    # wall s from answer to the media stream
    reattach_seconds: float = 60.0
    # wall s that a call without a media stream is waited for
    reclaim_seconds: float = 5.0
    # wall s without a media stream on a leg that is up, until the carrier is told to ask us again
    reclaim_again: float = 10.0
    # wall s for the stream to come then, until the carrier is told once more
    detached_session_seconds: float = 10.0
    # wall s that a session is kept open for a call without a media stream
    max_reattaches: int = 20
    # re-attaches within `reattach_window`
    reattach_window: float = 600.0
    # wall s
    line_quiet: float = 5.0
    # wall s without one frame after which the carrier is asked whether the leg lives
    line_gone: float = 60.0
    # wall s without one frame after which the call is given up

    # --- who speaks
    listen_first: float = 2.0
    # media s of silence after answer until the agent speaks first
    lead: float = 0.6
    # media s that the carrier is kept ahead of its playback
    chunk: float = 0.2
    # media s between two marks: what was heard is known to this
    reply_patience: float = 2.5
    # media s after the person's last word without any response, until we end the turn ourselves

    patience_seconds: float = 0.4
    # wall s from the person's last word to a first sound that they are not to wait for longer: an engine that usually
    # takes longer is not waited for, and a short word is said as soon as they pause
    filler_pause: float = 0.0
    # media s between two such words at least; 0: at every pause, so that nobody ever waits longer
    late_seconds: float = 2.5
    # wall s from the end of a turn without the engine's first sound, until a phrase asks for a moment
    late_again: float = 6.0
    # wall s from there to the next one
    late_phrases: int = 2
    # of these in one turn
    hello_again: float = 10.0
    # media s after answer without any sound until the agent says hello once more
    no_one_there: float = 45.0
    # media s after answer without any sound until the call is given up

    # --- machines
    voicemail: Literal["message", "hang_up", "agent"] = "message"
    # message: the agent leaves one after the beep. hang_up: the call ends. agent: it does what it likes
    keys_fallback: bool = True
    # a menu that has not heard keys in band twice gets them the carrier's own way, for which its stream may be replaced

    carrier_judges: bool = False
    # the carrier is asked who answered, as one more witness: it bills each call for that
    learn: bool = True
    # keep what was learned of a number for the next call to it

    # --- sessions
    engine: str = "openai"
    # which engine
    model: str = ""
    # as the engine calls it; for the record
    connect_seconds: float = 10.0
    # wall s from opening a session to its being configured
    stall_seconds: float = 8.0
    # wall s without any event while a response is due
    close_seconds: float = 2.0
    # wall s for a session to close before its transport is cut
    max_session_seconds: float = 3300.0
    # wall s after which a session is replaced in the next pause
    retry_delays: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0)
    # wall s before each further try to open a session; after the last the call ends
    retries_before_failover: int = 1
    # further tries with an engine while there is another one to turn to

    seed_tokens: int = 6000
    # tokens of conversation that a new session is given, about: a fifth of the smallest window in use (28k)

    # --- hold
    park: Literal["close", "gate"] = "close"
    # close: at once. gate: keep the session for `gate_seconds`, deaf and dumb, then close it; one that is billed by
    # time is closed at once all the same
    gate_seconds: float = 3.0
    # s, by the clock or in sound, whichever is over first
    drain_seconds: float = 3.0
    # s that a parked session is given to finish its response and its transcripts, by the clock or in sound, whichever
    # is over first: a carrier may be ahead of the clock
    preroll: float = 1.0
    # media s before the onset that the next session hears
    preroll_max: float = 15.0
    # media s of the person's words kept for a session that is not open yet
    phrase_pause: float = 8.0
    # media s between two phrases
    phrases_per_hold: int = 6
    # phrases said on suspicion in one hold
    phrase_more: float = 150.0
    # media s of hold for each one more: who comes back after half an hour of announcements is answered at once, too
    pickup_seconds: float = 4.0
    # wall s that a person who is back hears nothing of the agent, before the next phrase
    pickup_phrases: int = 3
    # such phrases for one person
    apologise: bool = True
    # when no session can be had any more, say so before the call ends

    call_back_goodbye: float = 15.0
    # wall s that the other side has to hang up after it has promised to call back, before we do

    # --- our user's own telephone
    second_ring_seconds: int = 25
    # s; after that the agent goes on alone
    second_limit: int = 7200
    # s after which the carrier ends the second leg, whatever becomes of us
    ring_after_hold: float = 8.0
    # media s of hold; who is back sooner is no reason to ring our user, and may be nobody
    whisper_seconds: float = 1.5
    # media s that our user hears who is there, before they hear them
    ask_seconds: float = 30.0
    # media s that somebody else, who is to take the call over, has for hearing what it is about and deciding
    relay_lag: float = 0.6
    # media s of sound that may wait at the carrier between the two; what is more is thrown away

    # --- the end
    goodbye_seconds: float = 8.0
    # wall s for the goodbye to be generated
    mark_grace: float = 5.0
    # wall s beyond the length of what is still to be played, until we stop waiting for its mark
    hangup_delays: tuple[float, ...] = (0.5, 1.0, 2.0)
    # wall s before each further try to end the leg
    stop_seconds: float = 2.0
    # wall s from the hang-up to the carrier closing its socket, before we close ours
    callback_seconds: float = 10.0
    # wall s from the hang-up to the completed callback, before the record is closed without it

    # --- tools of the agent's own
    tools_at_once: int = 8
    # that may run at the same time; a further one is refused
    tool_grace: float = 2.0
    # wall s beyond a tool's timeout until it is taken for lost

    # --- the outcome
    result_tries: int = 2
    # times that a result which does not keep to its schema is given back to the agent; the next one is kept as it is

    # --- money
    max_cost_micro_usd: int | None = None
    # micro-dollars; None: no cap
    wrap_up_seconds: float = 10.0
    # media s reserved for the phrase and the hang-up when money runs out
