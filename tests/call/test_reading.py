"""What recordings say is read, in words or digits, with a recogniser's mistakes; what they do not say is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outwait.call.numerals import key, number, ordinal
from outwait.call.reading import Option, Reading, read


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("You are currently caller number 4, waiting to speak with a representative.", 4),
        ("you are caller number four in the queue", 4),
        ("You are number twenty-one in line.", 21),
        ("You are number one hundred and five in the queue", 105),
        ("There are three callers ahead of you.", 4),
        ("There is 1 caller ahead of you.", 2),
        ("There are no other callers ahead of you", 1),
        ("Your call is now first in line and will be answered by the next available representative.", 1),
        ("You are the 3rd caller in line.", 3),
        ("You are second in the queue", 2),
        ("Your position in the queue is 12.", 12),
        ("Your current position is number 7.", 7),
        ("You are next in line.", 1),
        ("Thank you for holding. You're now number 2 in the queue. Please stay on the line.", 2),
        ("There are currently 20, two, colors waiting to speak with the representatives.", 22),
        ("Currently, there are more than 50 to callers waiting to speak with the representatives.", 53),
        ("You are currently caller number 40. 5. Waiting to speak with a representative.", 45),
        ("You are currently caller number 20 for waiting to speak", 24),
        ("You are out calling number 3 and the Q.", 3),
        ("You are now called a number three in the queue.", 3),
        ("There are five customers waiting.", 5),
        ("Currently, there are more than thirty one. Callers waiting to speak with the representatives.", 32),
        ("We have 20 colors of paint.", None),
        ("Your order number is 4711.", None),
        ("You have reached the customer service line. Press 3.", None),
        ("Please have your account number ready.", None),
        ("Our number one priority is you.", None),
        ("This is Sam, agent number four. How can I help?", None),
        ("The first thing you hear in line with our policy is this.", None),
        ("I have two calls to make.", None),
    ],
)
def test_the_place_in_a_queue(text: str, position: int | None) -> None:
    assert read(text).position == position


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("The estimated hold time is currently 5 minutes.", 300),
        ("Your estimated wait time is less than two minutes.", 120),
        ("Expected waiting time is between 5 and 10 minutes", 600),
        ("expected wait time five to ten minutes", 600),
        ("We will be with you in about twenty five minutes.", 1500),
        ("Your call will be answered in approximately 1 minute.", 60),
        ("The wait is currently one hour and twenty minutes.", 4800),
        ("Wait times are over an hour and a half.", 5400),
        ("current wait is half an hour", 1800),
        ("Your wait is 45 seconds.", 45),
        ("The estimated hold time is currently 50 to minutes.", 3120),
        ("The estimated hold time is currently less than 30. 6 minutes.", 2160),
        ("The estimated whole time is currently less than 49 minutes.", 2940),
        ("The estimated weight time is greater than 30 minutes.", 1800),
        ("Your wait is twenty to thirty minutes.", 1800),
        ("Your parcel will be delivered in 2 hours.", None),
        ("Please call back in 10 minutes.", None),
        ("I've been waiting for 20 minutes.", None),
        ("We are open 24 hours.", None),
        ("Thank you for waiting.", None),
        ("Calls may be recorded. The course takes 30 minutes.", None),
        ("If you wish to hold, press 5.", None),
    ],
)
def test_the_wait(text: str, seconds: int | None) -> None:
    assert read(text).wait_seconds == seconds


def options(text: str) -> list[tuple[str, str, str]]:
    return [(option.label, option.key, option.say) for option in read(text).options]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "For billing, press 1. For sales, press 2. To speak to an agent, press 0.",
            [("billing", "1", ""), ("sales", "2", ""), ("speak to an agent", "0", "")],
        ),
        (
            "for billing press one for sales press to to hear this again press star",
            [("billing", "1", ""), ("sales", "2", ""), ("hear this again", "*", "")],
        ),
        ("Press 1 for English. Press 2 for Spanish.", [("english", "1", ""), ("spanish", "2", "")]),
        ("Welcome to Northwind Parcels. For deliveries, press 2.", [("deliveries", "2", "")]),
        ("For technical support. Press 3.", [("technical support", "3", "")]),
        ("If you have an invoice, please press the number four key now.", [("have an invoice", "4", "")]),
        ("For returns, press pound. For anything else, press the hash key.", [("returns", "#", "")]),
        ("For sales, press or say one.", [("sales", "1", "")]),
        ("For sales, say sales or press 1. For bills, press 2.", [("sales", "1", ""), ("bills", "2", "")]),
        ("Say sales for orders.", [("orders", "", "sales")]),
        ("Please enter the 4 digits of your parcel number.", []),
        ("For parcels, say delivery. For bills, say billing.", [("parcels", "", "delivery"), ("bills", "", "billing")]),
        ("You can say billing or customer care.", [("billing", "", "billing"), ("customer care", "", "customer care")]),
        ("Dial 9 for the operator.", [("operator", "9", "")]),
        ("Please press on regardless.", []),
        ("We said billing was closed.", []),
    ],
)  # fmt: skip
def test_the_choices_of_a_menu(text: str, wanted: list[tuple[str, str, str]]) -> None:
    assert options(text) == wanted


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("To keep your place in the queue, press 1 now.", Reading(keep="1")),
        ("Press 5 to continue holding.", Reading(keep="5")),
        ("To keep your place, say yes or press 1.", Reading(keep="1")),
        ("To keep your place in the queue, please say yes now.", Reading(keep_say="yes")),
        ("say yes just stay on the line", Reading(keep_say="yes", wait_here=True, recorded=True)),
        ("Are you still there? Please say yes.", Reading(keep_say="yes", still_there=True)),
        ("Please enter your account number, followed by the pound key.", Reading(asks="account number", ends="#")),
        ("Enter your account number, then press hash.", Reading(asks="account number", ends="#")),
        (
            "Enter your account number and press the star key when you are done.",
            Reading(asks="account number", ends="*"),
        ),
        ("Are you still there? If you are still there, press 2.", Reading(keep="2", still_there=True)),
        ("Are you still there? Press any key.", Reading(keep="1", still_there=True)),
        (
            "To receive a call back without losing your place in line, press 2. To continue holding, press 1.",
            Reading(
                keep="1", decline="1", callback=Option("receive a call back without losing your place in line", "2")
            ),
        ),
        ("Press two if you would like us to call you back.", Reading(callback=Option("call you back", "2"))),
    ],
)
def test_what_a_queue_asks_for(text: str, reading: Reading) -> None:
    assert read(text) == reading


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Please leave a message after the tone.", "voicemail"),
        ("You've reached the voicemail of Ann. I can't come to the phone right now.", "voicemail"),
        ("Hi, if you record your name and reason for calling, I'll see if this person is available.", "screening"),
        ("Please state your name after the beep and Google Voice will try to connect you.", "screening"),
        ("We are currently closed. Our office hours are Monday to Friday from nine to five.", "closed"),
        ("In a few words, tell me why you're calling.", "open_question"),
        ("That is not a valid option.", "rejected"),
        ("Sorry, I didn't get that.", "rejected"),
        ("Please hold while I transfer you.", "connecting"),
        ("Please stay on the line for the next available agent.", "wait_here"),
        ("Your call is important to us.", "recorded"),
    ],
)
def test_what_kind_of_voice_it_is(text: str, what: str) -> None:
    assert getattr(read(text), what)


def test_what_only_the_task_can_tell() -> None:
    assert (
        read("Please enter your 10 digit account number followed by the pound key.").asks == "10 digit account number"
    )
    assert read("Press 1 for your account.").asks == ""
    assert read("Our office hours are Monday to Friday, nine to five.").hours.startswith("our office hours are monday")


@pytest.mark.parametrize(
    "text",
    [
        "Hello, this is Sam speaking, how can I help you?",
        "Hello, thanks for holding. Are you still there?",
        "Your parcel left the depot this morning. The driver will be with you tomorrow between ten and twelve.",
        "Sure, let me look that up for you. Please hold.",
        "It's going to be about three hundred dollars, is that okay?",
        "La la la, I would wait a thousand years for you.",
        "",
    ],
)
def test_people_and_songs_offer_nothing(text: str) -> None:
    found = read(text)
    assert (found.options, found.position, found.wait_seconds, found.keep) == ((), None, None, "")
    assert (found.callback, found.voicemail, found.screening) == (None, False, False)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The next available agent will be with you.", True),
        ("Someone from our team will be with you shortly.", True),
        ("We will be with you as soon as possible.", True),
        ("Your call will be answered in the order it was received.", True),
        ("The driver will be with you tomorrow between ten and twelve.", False),
        ("Your parcel will be with you on Monday.", False),
    ],
)
def test_who_says_to_wait_here(text: str, wanted: bool) -> None:
    assert read(text).wait_here is wanted


@given(st.text(max_size=300))
def test_any_words_are_survived(text: str) -> None:
    read(text)


@given(st.integers(1, 999))
def test_numbers_in_words_are_those_in_digits(value: int) -> None:
    assert number(spoken(value).split()) == (value, len(spoken(value).split()))
    assert read(f"You are caller number {spoken(value)} in the queue").position == value
    assert read(f"You are caller number {value} in the queue").position == value


def spoken(value: int) -> str:
    ones = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    ones += [f"{stem}teen" for stem in ("thir", "four", "fif", "six", "seven", "eigh", "nine")]
    tens = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    if value < 20:
        return ones[value]
    if value < 100:
        return tens[value // 10 - 2] + (f" {ones[value % 10]}" if value % 10 else "")
    return f"{ones[value // 100]} hundred" + (f" and {spoken(value % 100)}" if value % 100 else "")


def test_keys_and_places_by_any_name() -> None:
    assert [key(word) for word in ("4", "four", "for", "pound", "#", "star", "12", "billing")] == [
        *("4", "4", "4", "#", "#", "*", "", "")
    ]
    assert [ordinal(word) for word in ("first", "2nd", "12th", "next", "one")] == [1, 2, 12, 1, None]
