import pytest

from outwait.call.phrasebook import DISCLOSURES, FILLERS, LANGUAGES, SITUATIONS, SLOW, phrases, putting_through


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_words_for_every_situation(language: str) -> None:
    found = phrases(DISCLOSURES[language], language, slow=True)
    assert {name for names in SITUATIONS.values() for name in names} == set(found)
    assert len(set(found.values())) == len(found), "none is another one's twin"
    assert all(words and "{" not in words for words in found.values())
    assert all(DISCLOSURES[language] in found[name] for name in SITUATIONS["resume"])
    assert all(len(found[name]) <= 12 for name in FILLERS), "short ones"


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_does_not_name_itself(language: str) -> None:
    for name in SITUATIONS["resume"]:
        assert DISCLOSURES[language] not in phrases("", language)[name]


def test_an_engine_that_answers_at_once_has_fewer() -> None:
    assert not set(SLOW) & set(phrases("x"))


def test_the_words_that_are_kept_do_not_change_by_themselves() -> None:
    assert phrases("the AI assistant")["resume"] == "Yes, hello, this is the AI assistant, I'm here."


@pytest.mark.parametrize("language", LANGUAGES)
def test_putting_somebody_through(language: str) -> None:
    assert "Ada" in putting_through("", "Ada", language)
    assert DISCLOSURES[language] in putting_through(DISCLOSURES[language], "", language)
    assert "{" not in putting_through("", "", language)
