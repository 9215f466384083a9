"""What a request shows of who sends it."""

from fastapi import Request

from app.people import WrongBadge
from app.scanning.codes import CodeKind, DamagedCodeError, read_code
from app.sentences import Sentence


def address_of(request: Request) -> str:
    """The address that the brake on guesses counts by."""
    return request.client.host if request.client else "unknown"


def badge_payload(scanned: str) -> str:
    """What is on the badge. Raises `WrongBadge` where another code was scanned, or not all of it arrived."""
    try:
        code = read_code(scanned.strip())
    except DamagedCodeError as damaged:
        raise WrongBadge(damaged.sentence) from None
    if code.kind is not CodeKind.badge:
        raise WrongBadge(Sentence("This code is no badge. Scan the code on your badge."))
    return code.payload
