"""What recordings say on the telephone, as patterns over plain lower-case words without punctuation. English.

Gathered from the prompts of Asterisk, from the documents of contact-centre vendors, and from recorded holds.
"""

from __future__ import annotations

import re
from typing import Final


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


CALLBACK: Final = _any(
    r"\bcall(?:ed)? (?:you |me )?back\b",
    r"\bcallback\b",
    r"\breturn (?:your|my|a) call\b",
    r"\bcall back\b",
    r"\bwe (?:can|will) call you\b",
    r"\breceive a call\b",
)

NO_CALLBACK: Final = _any(
    r"\b(?:please|try|kindly) (?:\w+ ){0,2}call(?:ing)? (?:us |again )?back\b",
    r"\bcall (?:us )?back (?:later|during|at|tomorrow|between|another)\b",
    r"\bcall us\b",
    r"\bhang up and call\b",
)

KEEP_WORD: Final = _any(r"\bsay (yes|yeah|okay|ok|continue|hold|stay|wait|here)\b")

KEEP: Final = _any(
    r"\b(?:keep|hold|save|maintain|remain|stay|continue|retain)(?:ing)?\b.{0,30}\b(?:place|position|line|hold|holding|wait|waiting|queue)\b",
    r"\bcontinue (?:to )?(?:hold|wait)",
    r"\bstill (?:there|here|waiting)\b",
    r"\bkeep (?:holding|waiting)\b",
)

NO: Final = _any(
    r"\b(?:no|decline|not)\b",
)

STILL_THERE: Final = _any(
    r"\bare you still (?:there|here|on the line|with us|waiting|holding)\b",
    r"\bif you are still (?:there|here|waiting|holding|on the line)\b",
)

ANY_KEY: Final = _any(
    r"\b(?:press|touch|hit) any (?:key|button)\b",
)

WAITING: Final = _any(
    r"\b(?:hold|wait|stay|remain)\b.*\b(?:line|agent|representative|operator)\b",
)

WAIT_WORD: Final = _any(
    r"\b(?:wait|waits|waiting|hold|holding|queue|delay)\b",
    r"\banswered\b",
    r"\bbe with you\b",
    r"\bconnected\b",
    r"\bspeak (?:to|with)\b",
)

NOT_A_WAIT: Final = _any(
    r"\bcall (?:us )?back\b",
    r"\bopen\b",
    r"\bhours (?:a|per) day\b",
    r"\bpress\b",
    r"\bahead of time\b",
    r"\brecorded\b",
    r"\bwithin\b.*\b(?:email|reply|website)\b",
    r"\bago\b",
    r"\bbeen (?:waiting|on hold|holding)\b",
    r"\bdelivered\b",
    r"\bappointment\b",
    r"\brefund\b",
    r"\bevery\b",
)

AHEAD: Final = _any(
    r"\b(?:ahead of you|in front of you|before you|before your call|ahead of your call|ahead)\b",
)

QUEUE: Final = _any(
    r"\b(?:(?:in|and|on) (?:the |our |this )?(?:line|queue)|in the call queue|to be answered|in the waiting)\b",
)

HOURS: Final = _any(
    r"\b(?:office|business|opening|working|service|operating) hours are\b",
    r"\bhours of operation\b",
    r"\b(?:we are|we're|are|is) open\b.*\b(?:from|between|to|until|monday|weekday|a m|am|pm|24)\b",
)

CLOSED: Final = _any(
    r"\b(?:we are|we're|(?:office|cent(?:er|re)|store|department) is|(?:offices|lines) are)(?: now| currently)? "
    r"closed\b",
    r"\bcall(?:ed)? (?:us )?(?:back |again )?(?:outside|during|within) (?:of )?(?:our |normal |regular )*"
    r"(?:business|office|opening|working)",
)

VOICEMAIL: Final = _any(
    r"\bleave (?:us |me )?(?:a |your )?(?:\w+ ){0,3}(?:message|name)\b",
    r"\b(?:after|at) the (?:tone|beep|signal)\b",
    r"\bvoice ?mail\b",
    r"\bmailbox\b",
    r"\brecord (?:your|a) message\b",
    r"\b(?:can't|cannot|unable to|not able to) (?:come to the phone|take your call right|answer the phone)\b",
    r"\bnot available to take your call\b",
    r"\bthe person you(?:'re| are) (?:trying to reach|calling) is (?:not available|unavailable)\b",
    r"\bhas been forwarded to\b",
)

SCREENING: Final = _any(
    r"\b(?:state|say|record|tell me|give me) your (?:full )?name\b",
    r"\byour name and (?:the )?(?:reason|purpose|why)\b",
    r"\bcall screen",
    r"\bscreening (?:service|this call|calls)\b",
    r"\b(?:reason|purpose) (?:for|of) (?:your call|calling)\b.{0,60}\b(?:available|see if)\b",
    r"\bsee if (?:this person|they|the person|he|she)(?: is|'s| are|'re)? available\b",
)

ASKS: Final = _any(
    r"\b(?:enter|say|type|key in|provide|input)\b(?: or (?:enter|say))?(?: in)? (?:the \w+ digits of )?(?:your|the) "
    r"((?:\w+ ){0,4}?(?:number|code|pin|id|extension|birth|zip|postcode|password))\b",
)

ENDS: Final = _any(
    r"\b(?:followed by|ending (?:with|in)|end with|then(?: press)?|and press|finished press|done press)"
    r" (?:the )?(pound|hash|hashtag|square|star|asterisk|[#*])(?: (?:key|sign|button))?(?= |$)"
    r"(?! (?:if|for|to))",
    r"\bpress (?:the )?(pound|hash|hashtag|square|star|asterisk|[#*])(?: (?:key|sign|button))? "
    r"(?:when|once|after) (?:you |you're |you are |you've |you have )*(?:done|finished|entered)\b",
)

NOT_KNOWN: Final = _any(
    r"\b(?:do not|don't|did not|cannot|can't)\b.{0,12}\b(?:have|know|find|remember)\b",
    r"\bwithout\b",
)

OPEN: Final = _any(
    r"\b(?:in a few words|briefly)\b",
    r"\btell me (?:the reason|what|why|how)\b",
    r"\bwhat are you calling about\b",
    r"\bplease (?:say|tell)(?: me)? (?:what|why)\b",
    r"\byou can say things like\b",
)

WAIT_HERE: Final = _any(
    r"\b(?:stay|remain) on the line\b",
    r"\bplease (?:continue to )?(?:hold|wait)\b",
    r"\bhold the line\b",
    r"\bthe next available\b",
    r"\bwill be answered\b",
    r"\bwill be with you (?:shortly|soon|as soon|momentarily|in a|right|next|when)\b",
    r"\b(?:agent|representative|operator|adviser|advisor|colleague|specialist|team|somebody|someone|member)s?\b"
    r".{0,20}\bwill be with you\b",
    r"\bcontinue to hold\b",
)

CONNECTING: Final = _any(
    r"\b(?:connecting|transferring|putting) (?:you|your call)\b",
    r"\b(?:be|being) (?:connected|transferred)\b",
    r"\bone moment\b",
    r"\bplease wait while\b",
    r"\btransfer you\b",
    r"\bconnect you\b",
)

REJECTED: Final = _any(
    r"\b(?:not a valid|invalid|isn't a valid|is not valid)\b",
    r"\b(?:didn't|did not|couldn't|could not) (?:quite )?(?:understand|get|hear|recognize|catch)\b",
    r"\bnot recognized\b",
    r"\bplease try again\b",
    r"\bthat's not an option\b",
)

RECORDED: Final = _any(
    r"\byour call is (?:very )?important\b",
    r"\b(?:thank you|thanks) for (?:your patience|continuing to hold|waiting|calling)\b",
    r"\bnext available\b",
    r"\b(?:people|agents|representatives|operators|lines|advisors|advisers)\b.{0,30}\bbusy\b",
    r"\ball (?:of )?our\b.{0,40}\b(?:busy|assisting|helping|speaking|currently)\b",
    r"\brecorded (?:for|or)\b",
    r"\bmonitored\b",
    r"\border (?:in which )?(?:it was|they were|it is|received)\b",
    r"\bmenu options\b",
    r"\blisten carefully\b",
    r"\bmain menu\b",
    r"\bvisit (?:us|our website)\b",
    r"\bfor (?:english|spanish)\b",
    r"\bcalls? (?:may be|are|will be) (?:recorded|monitored)\b",
    r"\bhigher than (?:usual|normal|expected)\b",
    r"\bhigh call volumes?\b",
    r"\bstay on the line\b",
    r"\bnot in service\b",
    r"\bbeen disconnected\b",
)

PRESS: Final = _any(
    r"\b(?:press|dial|push|hit|touch)\b",
)

YOU_ARE_NEXT: Final = _any(
    r"\byou(?:'re| are| will be)(?: now| currently)? (?:the )?next\b",
    r"\bwill be (?:the )?next\b",
    r"\b(?:answered|taken|served) next\b",
)

SAY_LIST: Final = _any(r"\bsay (?!or\b|your\b)([a-z' ]+(?:, [a-z' ]+)*,? or [a-z' ]+)")
