"""Twilio: programmable voice over REST, webhooks and media streams."""

from outwait.carriers.twilio.rest import CAPABILITIES, TwilioCarrier
from outwait.carriers.twilio.stream import TwilioStream
from outwait.carriers.twilio.urls import Urls

__all__ = ["CAPABILITIES", "TwilioCarrier", "TwilioStream", "Urls"]
