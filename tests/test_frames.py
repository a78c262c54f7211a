"""Frames by hand against the library that reads all of them: whatever is sent, and however it is cut, both hear the
same."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, SERVER, Protocol, Side, State

from outwait.frames import Cutter, Masks, text_frame

LIMIT = 70_000

contents = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b"", b"x" * 125, b"x" * 126, b"x" * 65_535, b"x" * 65_536, b"x" * LIMIT, b"x" * (LIMIT + 1)]),
)
frames = st.lists(
    st.one_of(
        st.builds(Frame, st.just(Opcode.TEXT), contents),
        st.builds(Frame, st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.CONT]), contents, st.booleans()),
        st.builds(Frame, st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125)),
        st.builds(Frame, st.just(Opcode.CLOSE), st.sampled_from([b"", b"\x03\xe8", b"\x03\xe8bye", b"\x00"])),
    ),
    max_size=8,
)


class Reader:
    """What one side reads, by the library alone or with frames cut by hand."""

    def __init__(self, side: Side, *, by_hand: bool) -> None:
        self._library = Protocol(side, max_size=LIMIT, state=State.OPEN)
        self.heard: list[object] = []
        cutter = Cutter(masked=side is SERVER, limit=LIMIT, text=self._text, library=self._odd)
        self.feed = cutter.feed if by_hand else self._odd

    def _text(self, text: bytes) -> None:
        self.heard.append((Opcode.TEXT, text, True))

    def _odd(self, data: bytes) -> None:
        self._library.receive_data(data)
        for event in self._library.events_received():
            assert isinstance(event, Frame)
            self.heard.append((event.opcode, bytes(event.data), event.fin))
        error = self._library.parser_exc
        if error is not None and "failed" not in self.heard:
            self.heard.append("failed")


def both(side: Side, sent: bytes, cuts: list[int]) -> None:
    readers = [Reader(side, by_hand=by_hand) for by_hand in (True, False)]
    at = 0
    for cut in [*sorted(cuts), len(sent)]:
        for reader in readers:
            reader.feed(sent[at:cut])
        at = max(at, cut)
    assert readers[0].heard == readers[1].heard


@given(frames, st.sampled_from([SERVER, CLIENT]), st.lists(st.integers(0, 1000), max_size=12), st.booleans())
def test_hears_what_the_library_hears(sent: list[Frame], side: Side, cuts: list[int], wrong: bool) -> None:
    """`wrong`: masked where it must not be, or not where it must."""
    data = b"".join(frame.serialize(mask=(side is SERVER) is not wrong) for frame in sent)
    both(side, data, cuts)


@settings(max_examples=300)
@given(st.binary(max_size=80), st.sampled_from([SERVER, CLIENT]), st.lists(st.integers(0, 80), max_size=6))
def test_noise_is_the_librarys(data: bytes, side: Side, cuts: list[int]) -> None:
    both(side, b"\x81" + data, cuts)
    both(side, data, cuts)


@given(contents, st.booleans())
def test_what_we_make_is_what_the_library_makes(content: bytes, binary: bool) -> None:
    kind = Opcode.BINARY if binary else Opcode.TEXT
    assert text_frame(content) == Frame(Opcode.TEXT, content).serialize(mask=False)
    library = Protocol(SERVER, max_size=LIMIT + 1, state=State.OPEN)
    masks = Masks()
    made = [masks.frame(content, binary=binary) for _ in range(2)]
    library.receive_data(b"".join(made))
    assert [(e.opcode, bytes(e.data)) for e in library.events_received()] == [(kind, content)] * 2  # type: ignore[union-attr]
    assert len(content) < 4 or made[0] != made[1], "each has a mask of its own"
