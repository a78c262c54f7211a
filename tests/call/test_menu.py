"""The way through a company's menus, and what is kept of it."""

from __future__ import annotations

import pytest

from outwait.call.known import Choice, Known, goal, likeness, signature
from outwait.call.menu import TRIES, Do, Navigator, number_in
from outwait.call.reading import Option, read

PARCEL = "Find out when parcel four seven one two will be delivered."
MAIN = "For letters, press 1. For parcels, press 2. For anything else, press 0."
INNER = "To send a parcel, press 1. If a parcel has not been delivered, press 3."


def said(way: Navigator, words: str) -> Do | None:
    """A prompt to its end, and what is done about it."""
    return way.hear(words, read(words)) or way.decide()


def test_the_task_chooses_and_a_path_comes_before_it() -> None:
    way = Navigator(PARCEL, (), None)
    assert [said(way, MAIN), said(way, INNER)] == [
        Do("2", why="for: parcels"),
        Do("3", why="for: parcel has not been delivered"),
    ]
    asked = Navigator(PARCEL, ("letters", "agent"), None)
    first, second = said(asked, MAIN), said(asked, "For stamps, press 4. For an agent, press 5.")
    assert (first, second) == (Do("1", why="for: letters"), Do("5", why="for: agent"))


def test_a_long_prompt_is_waited_out() -> None:
    way = Navigator(PARCEL, (), None)
    words = "For anything else, press 9."
    assert way.hear(words, read(words)) is None
    later = "For parcels, press 8."
    assert way.hear(later, read(later)) is None
    assert way.decide() == Do("8", why="for: parcels")
    assert way.decide() is None, "once"


def test_a_number_is_ended_with_the_key_that_ends_it() -> None:
    asked = "Please enter your parcel number, followed by the pound key."
    assert said(Navigator(PARCEL, (), None), asked) == Do("4712#", why="asked for: parcel number")


def test_a_number_that_nobody_has_is_not_made_up() -> None:
    asked = "Please enter your ten digit account number. If you do not have one, press star."
    way = Navigator(PARCEL, (), None)
    assert said(way, asked) == Do("*", why="not known: ten digit account number")
    assert said(Navigator(f"{PARCEL} The account number is 12345.", (), None), asked) == Do(
        "12345", why="asked for: ten digit account number"
    )


def test_who_leads_to_a_person_is_better_than_nothing() -> None:
    way = Navigator("Ask about the weather.", (), None)
    wanted = said(way, "For a website address, press 1. To speak to somebody, press 0.")
    assert wanted is not None
    assert wanted.keys == "0"


def test_what_nothing_here_knows_is_asked() -> None:
    way = Navigator("Ask about the weather.", (), None)
    wanted = said(way, "For llamas, press 1. For alpacas, press 2.")
    assert wanted is not None
    assert wanted.ask.startswith("For llamas")
    stay = said(Navigator("Ask about the weather.", (), None), "For llamas, press 1. Or stay on the line.")
    assert stay == Do(why="it says to stay on the line")


def test_a_menu_that_did_not_hear_is_told_again_the_last_time_by_the_carrier() -> None:
    way = Navigator(PARCEL, (), None)
    done = [said(way, MAIN) for _ in range(TRIES + 1)]
    assert [do.keys for do in done if do] == ["2", "2", "2", "0"]
    assert [do.by_carrier for do in done if do] == [False, False, True, False]
    assert not way.by_carrier, "it did not help"


def test_the_carriers_own_way_is_remembered_when_it_led_on() -> None:
    way = Navigator(PARCEL, (), None)
    for _ in range(TRIES):
        said(way, MAIN)
    way.elsewhere()
    assert way.by_carrier


def test_a_circle_is_left_and_only_what_led_on_is_kept() -> None:
    way = Navigator(PARCEL, (), None)
    menu = "For news of a delivery, press 1. To speak to somebody, press 0."
    first = said(way, menu)
    way.hear("You can track your parcel on our website.", read("You can track your parcel on our website."))
    second = said(way, menu)
    assert first is not None
    assert second is not None
    assert (first.keys, second.keys) == ("1", "0")
    assert [choice.keys for choice in way.choices] == ["0"]


def test_a_known_way_is_gone_at_once_and_a_changed_menu_anew() -> None:
    first = Navigator(PARCEL, (), None)
    said(first, MAIN)
    known = Known(choices=tuple(first.choices))
    assert Navigator(PARCEL, (), known).hear(f"Welcome back! {MAIN}", read(MAIN)) == Do("2", why="as on the last call")
    changed = "For parcels, press 4. For letters, press 5. For anything else, press 0."
    assert said(Navigator(PARCEL, (), known), changed) == Do("4", why="for: parcels")
    other = Navigator("Complain about a letter.", (), known)
    assert said(other, MAIN) == Do("1", why="for: letters"), "another goal"


def test_words_wait_for_the_end_of_the_prompt() -> None:
    words = "You can say letters, parcels, or something else."
    known = Known(choices=(Choice(signature(read(words).options), goal(PARCEL), say="Parcels."),))
    way = Navigator(PARCEL, (), known)
    assert way.hear(words, read(words)) is None
    assert way.decide() == Do(say="Parcels.", why="as on the last call")


def test_what_the_agent_pressed_or_said_is_learned() -> None:
    way = Navigator("Ask about the weather.", (), None)
    said(way, "For llamas, press 1. For alpacas, press 2.")
    way.pressed("2")
    assert [choice.keys for choice in way.choices] == ["2"]
    way = Navigator(PARCEL, (), None)
    said(way, "You can say letters, parcels, or something else.")
    way.said("Parcels, please.")
    assert [choice.say for choice in way.choices] == ["Parcels, please."]


@pytest.mark.parametrize(
    ("task", "asked", "number"),
    [
        (PARCEL, "parcel number", "4712"),
        ("My account is 00123456. The order is 778.", "account number", "00123456"),
        ("My account is 00123456. The order is 778.", "order number", "778"),
        (PARCEL, "date of birth", ""),
        ("Two for one.", "number", ""),
    ],
)
def test_numbers_that_a_machine_asks_for(task: str, asked: str, number: str) -> None:
    assert number_in(task, asked) == number


def test_what_is_kept_has_nothing_of_the_task_in_it() -> None:
    kept = goal("Cancel the contract of Dana Reyes.")
    assert "dana" not in kept
    assert likeness(kept, goal("cancel the contract of dana reyes")) == 1.0
    assert likeness(kept, goal("Order pizza.")) == 0.0
    assert signature([Option("billing", "1"), Option("sales", say="sales")]) == "1: billing; sales: sales"
