"""Both simulators play a whole call with a naive program between them, over real sockets."""

from outwait.sim import sound
from outwait.sim.scenario import load
from outwait.sim.stage import Stage

from .bridge import Bridge, frame_of

BACK = "Hello, thanks for holding. Are you still there?"


async def test_a_call_with_a_hold_is_played_to_its_end(tmp_path):
    async with Stage(load("short_hold")) as stage:
        back = frame_of(sound.speak(BACK), 5)
        async with Bridge(stage.environment(), stage.scenario.task, back) as bridge:
            await bridge.dial(stage.scenario.to)
            call = await stage.finished()
        first, second = stage.model.connections
        assert first.counts.said[-1] == "Of course, I'll hold."
        assert "Goodbye" in second.counts.said[-1]
        assert stage.proof.seconds > 40
        assert stage.proof.seconds_with_socket == 0
        assert stage.proof.appended_ms == 0
        assert (call.status, call.ended_why, call.completed_requests) == ("completed", "api", 1)
        assert call.unheard_at_completed == [0.0]
        assert [form["CallStatus"] for form in bridge.callbacks] == ["initiated", "ringing", "in-progress", "completed"]
        assert stage.model.open_sockets == stage.carrier.open_streams == 0
        stage.write_wav(tmp_path / "call.wav")
        assert len(sound.read(tmp_path / "call.wav")) == round(call.media_seconds * 8000)
