"""What is said before the engine can say anything: the words of every situation, by language.

Made once for each voice and text, and kept. Where a situation has several, they take turns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FILLERS: Final = ("filler", "filler_again", "filler_more")
"""Short words while the answer is on its way: as short as can be, and such that nobody takes them for a yes or a no."""

SITUATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "resume": ("resume", "resume_again"),  # somebody is back after a hold
    "pickup": ("pickup", "resume_again"),  # and the session is late
    "moment": ("pickup", "still", "resume_again"),  # the answer is long in coming
    "opening": ("opening", *FILLERS),  # the first words of a call, while the answer is on its way
    "filler": FILLERS,  # the same later on
    "goodbye": ("goodbye",),  # the engine has none
    "apology": ("apology",),  # no engine can be had any more
    "budget": ("budget",),  # the money is spent
}
"""Names of the phrases that suit."""

SLOW: Final = ("opening", *FILLERS, "still", "goodbye")
"""Those that are made for an engine which lets people wait; others rarely need them, and every phrase has its price."""

DISCLOSURES: Final[Mapping[str, str]] = {
    "en": "the AI assistant",
    "de": "der KI-Assistent",
    "es": "el asistente de inteligencia artificial",
    "fr": "l'assistant d'intelligence artificielle",
}
"""How the agent names itself."""

# In the order in which they are made: the first pause comes before anybody is back after a hold.
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "opening": "Hello.",
        "filler": "Hm.",
        "filler_again": "I see.",
        "filler_more": "Ah.",
        "resume": "Yes, hello, {this_is}I'm here.",
        "resume_again": "Hello, yes, {this_is}I'm still on the line.",
        "pickup": "One moment please, I'll be right with you.",
        "still": "Just one more moment, please.",
        "goodbye": "Thank you, goodbye.",
        "apology": "I'm sorry, I have a technical problem and can't go on. I will call again. Goodbye.",
        "budget": "I'm sorry, I have to end this call now. Thank you, goodbye.",
    },
    "de": {
        "opening": "Guten Tag.",
        "filler": "Hm.",
        "filler_again": "Verstehe.",
        "filler_more": "Ah.",
        "resume": "Ja, hallo, {this_is}ich bin da.",
        "resume_again": "Hallo, ja, {this_is}ich bin noch am Apparat.",
        "pickup": "Einen Moment bitte, ich bin gleich bei Ihnen.",
        "still": "Noch einen kleinen Moment bitte.",
        "goodbye": "Vielen Dank, auf Wiederhören.",
        "apology": "Entschuldigung, ich habe ein technisches Problem und rufe noch einmal an. Auf Wiederhören.",
        "budget": "Entschuldigung, ich muss das Gespräch jetzt beenden. Vielen Dank, auf Wiederhören.",
    },
    "es": {
        "opening": "Hola.",
        "filler": "Mm.",
        "filler_again": "Ya veo.",
        "filler_more": "Ah.",
        "resume": "Sí, hola, {this_is}estoy aquí.",
        "resume_again": "Hola, sí, {this_is}sigo en la línea.",
        "pickup": "Un momento, por favor, enseguida estoy con usted.",
        "still": "Un momento más, por favor.",
        "goodbye": "Gracias, adiós.",
        "apology": "Lo siento, tengo un problema técnico y no puedo seguir. Volveré a llamar. Adiós.",
        "budget": "Lo siento, tengo que terminar la llamada ahora. Gracias, adiós.",
    },
    "fr": {
        "opening": "Bonjour.",
        "filler": "Hum.",
        "filler_again": "Je vois.",
        "filler_more": "Ah.",
        "resume": "Oui, bonjour, {this_is}je suis là.",
        "resume_again": "Bonjour, oui, {this_is}je suis toujours en ligne.",
        "pickup": "Un instant s'il vous plaît, je suis à vous tout de suite.",
        "still": "Encore un petit instant, s'il vous plaît.",
        "goodbye": "Merci, au revoir.",
        "apology": "Désolé, j'ai un problème technique et ne peux pas continuer. Je rappellerai. Au revoir.",
        "budget": "Désolé, je dois mettre fin à cet appel. Merci, au revoir.",
    },
}
_THIS_IS: Final[Mapping[str, str]] = {
    "en": "this is {name}, ",
    "de": "hier ist {name}, ",
    "es": "soy {name}, ",
    "fr": "ici {name}, ",
}

_RECORDED: Final[Mapping[str, str]] = {
    "en": "this call is recorded, ",
    "de": "dieses Gespräch wird aufgezeichnet, ",
    "es": "esta llamada se graba, ",
    "fr": "cet appel est enregistré, ",
}

_THROUGH: Final[Mapping[str, tuple[str, str]]] = {
    "en": ("One moment please, {this_is}I'm putting you through to {name}.", "the person I call for"),
    "de": ("Einen Moment bitte, {this_is}ich verbinde Sie mit {name}.", "der Person, für die ich anrufe"),
    "es": ("Un momento, por favor, {this_is}le paso con {name}.", "la persona para la que llamo"),
    "fr": ("Un instant s'il vous plaît, {this_is}je vous passe {name}.", "la personne pour qui j'appelle"),
}
"""With the name, and in want of one."""

TAKE_IT: Final[Mapping[str, str]] = {
    "en": "Press 1 to take the call, or 2 if you can't.",
    "de": "Drücken Sie die 1, um das Gespräch zu übernehmen, oder die 2, wenn es nicht geht.",
    "es": "Pulse 1 para atender la llamada, o 2 si no puede.",
    "fr": "Appuyez sur 1 pour prendre l'appel, ou sur 2 si vous ne pouvez pas.",
}
"""Behind what somebody is told who is to take a call over: see `asking`."""

LANGUAGES: Final = tuple(_WORDS)


def phrases(disclosure: str, language: str = "en", *, slow: bool = False, recorded: bool = False) -> dict[str, str]:
    """Name -> words.

    Another person may be listening after a hold, so the first words say what is speaking. `disclosure`: how the agent
    names itself; "": it does not. `slow`: with those that only a slow engine needs. `recorded`: they are told of
    that too. Raises KeyError for a language that is not in LANGUAGES.
    """
    this_is = _THIS_IS[language].format(name=disclosure) if disclosure else ""
    if recorded:
        this_is += _RECORDED[language]
    return {name: words.format(this_is=this_is) for name, words in _WORDS[language].items() if slow or name not in SLOW}


def putting_through(disclosure: str, name: str, language: str = "en") -> str:
    """Before our user's own telephone is rung. `name`: of the user; "": it is not known."""
    words, whom = _THROUGH[language]
    this_is = _THIS_IS[language].format(name=disclosure) if disclosure else ""
    return words.format(this_is=this_is, name=name or whom)
