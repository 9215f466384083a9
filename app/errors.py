"""Errors a person reads. Each says what happened and what clears it; each door renders them once (RFC 9457)."""


class BirthmarkError(Exception):
    """What happened and what clears it, in a sentence or two."""

    status = 500
    code = "internal"
    title = "Something went wrong"

    def __init__(self, sentence: str, **details: object) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.details = details


class Invalid(BirthmarkError):
    """The request cannot be understood or holds a value that cannot be."""

    status = 422
    code = "invalid"
    title = "This cannot be taken as it is"


class NotFound(BirthmarkError):
    """What was asked for is not known, or not this customer's."""

    status = 404
    code = "not_found"
    title = "Not known here"


class Conflict(BirthmarkError):
    """The deed contradicts what stands."""

    status = 409
    code = "conflict"
    title = "This contradicts what stands"


class Unauthorized(BirthmarkError):
    """Nobody said who is asking, or the token is not known."""

    status = 401
    code = "unauthorized"
    title = "Who is asking?"


class Forbidden(BirthmarkError):
    """This role may not do that."""

    status = 403
    code = "forbidden"
    title = "Not with this role"


class Unavailable(BirthmarkError):
    """A part the product needs is away; the request may be repeated."""

    status = 503
    code = "unavailable"
    title = "Not available right now"
