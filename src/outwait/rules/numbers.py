"""Telephone numbers: what may be dialled, in one form, and how they look in a log."""

from __future__ import annotations

import re
from collections.abc import Collection

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

_SEPARATORS = re.compile(r"[\s\-.()/\u00a0\u2010-\u2015\u202f]+")
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_PREMIUM_EXCHANGE = re.compile(r"\+1[2-9][0-9]{2}976[0-9]{4}")  # North America's old premium exchange, in any area
_LONGEST_SHORT_CODE = 6  # digits
EXTENSION = 4  # last digits in which the numbers of one house differ
_SATELLITES = {870, 881, 882, 883}  # country codes of networks that are in no country and cost dollars a minute
# Personal numbers ring wherever their owner says, at that place's price: a favourite of fraudsters.
_DEAR = {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.PERSONAL_NUMBER}


class NumberRefused(ValueError):
    """A number that is not dialled. `code` is a stable word, the message a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def dialable(text: str, caller: str | None = None) -> str:
    """The number in E.164, if it may be dialled. Raises NumberRefused.

    text
        E.164 with separators as people write them
    caller
        the number that calls, in E.164: its region says what an emergency number is
    """
    number = _SEPARATORS.sub("", text)
    digits = number.removeprefix("+")
    if not digits.isascii() or not digits.isdigit():
        raise NumberRefused("invalid_number", "a number must be in E.164 form, such as +12025550143")
    regions = _regions(caller)
    if any(phonenumbers.is_emergency_number(digits, region) for region in regions):
        raise NumberRefused("emergency_number", "emergency numbers are not dialled")
    if not number.startswith("+"):
        if len(digits) <= _LONGEST_SHORT_CODE:
            raise NumberRefused("short_code", "short codes are not dialled")
        raise NumberRefused("invalid_number", "a number must begin with + and its country's code")
    parsed = _parsed(number)
    local = str(parsed.national_number)
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    if reason != ValidationResult.IS_POSSIBLE:
        # The local part is no whole number: a service code with the country's code in front, or nothing at all.
        there = {*regions, phonenumbers.region_code_for_country_code(parsed.country_code or 0)}
        if any(phonenumbers.is_emergency_number(local, region) for region in there):
            raise NumberRefused("emergency_number", "emergency numbers are not dialled")
        if len(local) <= _LONGEST_SHORT_CODE and reason == ValidationResult.TOO_SHORT:
            raise NumberRefused("short_code", "short codes are not dialled")
        raise NumberRefused("invalid_number", "no such number: its length does not fit its country")
    if parsed.country_code in _SATELLITES:
        raise NumberRefused("satellite_number", "satellite and international networks are not dialled")
    if _is_premium(number, parsed):
        raise NumberRefused("premium_number", "premium-rate numbers are not dialled")
    return number


def e164(text: str) -> str:
    """A number in E.164, whether or not it may be dialled. Raises NumberRefused."""
    number = _SEPARATORS.sub("", text)
    _parsed(number)
    return number


def country(number: str) -> str | None:
    """ISO 3166 letters of the country in which a number (E.164) is; None: it is nowhere, or there is no such number.

    Several countries share +1. A number that is not given out is where its area code is.
    """
    try:
        parsed = phonenumbers.parse(number, None)
    except NumberParseException:
        return None
    region = phonenumbers.region_code_for_number(parsed)
    if region is None and parsed.country_code == 1:
        area = phonenumbers.PhoneNumber(1, int(f"{str(parsed.national_number)[:3]}2345678"))
        region = phonenumbers.region_code_for_number(area) or "US"
    region = region or phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return None if region in (None, "001", "ZZ") else region


def is_in(number: str, countries: Collection[str]) -> bool:
    """Whether a number (E.164) is in one of these countries. A toll-free one is in all that share its code."""
    if country(number) in countries:
        return True
    try:
        parsed = phonenumbers.parse(number, None)
    except NumberParseException:
        return False
    shared = phonenumbers.region_codes_for_country_code(parsed.country_code or 0)
    return phonenumbers.number_type(parsed) == PhoneNumberType.TOLL_FREE and not set(shared).isdisjoint(countries)


def same_house(one: str, other: str) -> bool:
    """Whether two numbers (E.164) are the same, or extensions of one house: all but the last four digits."""
    return one == other or (len(one) == len(other) > 10 and one[:-EXTENSION] == other[:-EXTENSION])


def masked(number: str) -> str:
    """For logs: enough to recognise one's own, too little to dial."""
    digits = re.sub(r"[^0-9+]", "", number)
    return f"{digits[:3]}***{digits[-2:]}" if len(digits) > 6 else "***"


def _parsed(number: str) -> PhoneNumber:
    if _E164.fullmatch(number) is None:
        raise NumberRefused("invalid_number", "a number must be in E.164 form, such as +12025550143")
    try:
        return phonenumbers.parse(number, None)
    except NumberParseException as error:
        raise NumberRefused("invalid_number", "no such number: unknown country code") from error


def _regions(caller: str | None) -> set[str]:
    """Where the call is made from; nowhere in particular when the caller's number does not say."""
    if caller is None:
        return set()
    try:
        parsed = phonenumbers.parse(caller, None)
    except NumberParseException:
        return set()
    region = phonenumbers.region_code_for_number(parsed)
    return {region} if region else set(phonenumbers.region_codes_for_country_code(parsed.country_code or 0))


def _is_premium(number: str, parsed: PhoneNumber) -> bool:
    if _PREMIUM_EXCHANGE.fullmatch(number):
        return True
    return phonenumbers.number_type(parsed) in _DEAR or number.startswith("+1900")
