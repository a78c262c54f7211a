import pytest

from outwait.local.words import word_errors, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Press 2, then #.", ["press", "two", "then", "pound"]),
        ("You've  4712 of TEN", ["you've", "four", "seven", "one", "two", "of", "ten"]),
        ("you’re", ["you're"]),
        ("between 10 and 12", ["between", "ten", "and", "twelve"]),
        ("...", []),
    ],
)
def test_words_alone(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("a b c", "a b c", 0),
        ("a b c", "a c", 1),
        ("a b c", "a x b c", 1),
        ("a b c", "a x c", 1),
        ("a b c", "", 3),
        ("", "a b", 2),
        ("a b c d", "b c d a", 2),
    ],
)
def test_errors(said: str, heard: str, errors: int) -> None:
    assert word_errors(said.split(), heard.split()) == errors
