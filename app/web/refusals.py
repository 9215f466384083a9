"""Why a message lies in quarantine, in the reader's language; it is kept as text."""

from typing import Final

from app.web.forms import forms, values
from app.web.translations import Say

SUBJECTS: Final = (
    "The payload", "The text inside base64", "The text inside base64 and gzip", "The text inside the gzip data",
    "The body",
)  # fmt: skip
"""What a payload's reader speaks of."""
WANTED: Final = (
    "an object in braces", "a list in square brackets", "text in quotes", "a whole number", "a number",
    "a number a computer can hold", "true or false", "a time as text", "a GUID as text", "a GUID", "a single value",
)  # fmt: skip
PROBLEMS: Final = (
    "not an ISO 8601 time such as 2018-03-26T16:52:25.3769532-04:00", "past the last day of the calendar",
    "not a TimeSpan such as 6.00:00:00 (days.hours:minutes:seconds)", "%(zone)s is no time zone",
)  # fmt: skip
UNREGISTERED: Final = (
    "Station %(name)s", "Work order %(name)s", "Unit %(name)s", "Package %(name)s", "Part number %(name)s",
    "Recipe %(name)s revision %(revision)s", "Recipe %(name)s",
)  # fmt: skip
REFUSALS: Final = (
    # the payload
    "The payload is empty.",
    "%(subject)s has %(count)s bytes; the limit is %(limit)s.",
    "%(subject)s is UTF-16 or UTF-32. Set the machine to send UTF-8.",
    "%(subject)s holds nothing but blanks.",
    "%(subject)s is not JSON: it begins with %(shown)s, not with { or [.",
    "%(subject)s is not UTF-8: byte %(byte)s is %(shown)s. Set the machine to send UTF-8.",
    "The gzip data is damaged (%(said)s).",
    "The gzip data unpacks to more than the limit of %(limit)s bytes.",
    "The gzip data is cut off before its end.",
    "%(count)s bytes that are not gzip follow the gzip data.",
    "The gzip data has more than %(count)s members.",
    "The payload is compressed twice. Send it compressed once.",
    "The payload is an empty list: it holds no envelope.",
    "The payload is a list of more than %(count)s envelopes; send fewer at once.",
    # the envelope
    "MessageBody must be a JSON object.",
    "MessageBody is missing.",
    "A text holds the character U+0000, which cannot be stored.",
    "UniqueID is all zeros: the machine did not give the event an identifier.",
    "UniqueID is missing: without it a repetition could not be recognised.",
    "UniqueID %(shown)s is not a GUID.",
    "MessageName is missing: nothing says what kind of message this is.",
    "TimeStamp is missing: nothing says when this happened.",
    "TimeStamp is in the year %(year)s. Set the clock of the machine and send again.",
    "TimeStamp %(shown)s: %(problem)s.",
    "The JSON is nested too deeply to be a CFX message.",
    "An envelope is a JSON object in braces, but this is not: %(said)s.",
    "The JSON ends too early, or a text in it holds half a surrogate pair.",
    "The JSON is malformed: %(said)s, near %(shown)s.",
    "The JSON is malformed: %(said)s.",
    "The station's handle has %(count)s characters; more than %(limit)s cannot be stored.",
    "The envelope names no Source, and the topic names no station.",
    "Station %(station)s may not speak for %(name)s. Send it with that station's own token.",
    # what stands against it
    "Station %(station)s used UniqueID %(name)s before, for other content. Every event needs a UniqueID of its own.",
    "%(missing)s is not registered. Register it; this is replayed then.",
    "%(missing)s is not registered. Register it; this message is replayed then.",
    "The connection breaks over it: %(said)s",
    "The database refused it: %(said)s",
    "A value cannot be stored: %(said)s",
    "A fault of this product, not of the message (%(said)s). Report it; replay the message after an update.",
    # the body
    "%(shown)s is not a CFX 2.1 message.",
    "A material has no UniqueIdentifier: it could not be told from another.",
    "A material has no UniqueIdentifier: nobody could say which package this happened to.",
    "MaterialsSplit must name both packages.",
    "MaterialsJoined must name both packages.",
    "RemainingExposureTime of %(package)s: %(problem)s.",
    "Position %(number)s is higher than any panel has (%(limit)s).",
    "Position %(number)s is higher than any panel has.",
    "Some entries name their unit and others do not: the others could be any unit's.",
    (
        "An entry has no UnitIdentifier, and there is no TransactionId to tell its unit by. "
        "Have the station send one of them."
    ),
    (
        "A material was uninstalled from a unit without UnitIdentifier, and there is no TransactionId to tell the unit "
        "by. Have the station send one of them."
    ),
    "WorkStarted names no TransactionID: what follows could not be told to these units.",
    "WorkStarted names no unit.",
    "WorkCompleted names no TransactionID: nothing says which work is completed.",
    "A work order has no WorkOrderId.",
    "Work order %(name)s is for %(count)s units: a quantity is 0 or more.",
    "an InstalledMaterial cannot be read: %(said)s",
    "TransactionId %(shown)s is not a GUID",
    "UnitPositionNumber %(shown)s is not a number",
    "UnitPositionNumber %(shown)s is no whole number within 0..32767",
    "A unit has no UnitIdentifier, and there is no TransactionId to tell it by. Have the station send one of them.",
    "A unit has no OverallResult and no step with a Result: nothing says how it ended.",
    "%(count)s units in one message are more than can be told apart (%(limit)s).",
    ("The result %(result)s is not one of %(all_results)s. Correct it at the station and send the message again."),
    # a member; its text may hold anything, so these come last
    "%(message)s: %(subject)s is missing.",
    "%(message)s: %(subject)s is empty.",
    "%(message)s: %(subject)s is nested too deeply.",
    "%(message)s: %(subject)s cannot be read: %(said)s.",
    "%(message)s: %(subject)s has %(count)s characters; more than %(limit)s cannot be stored.",
    "%(message)s: %(subject)s must be between %(low)s and %(high)s, but is %(shown)s.",
    "%(message)s: %(subject)s must be %(wanted)s, but is %(shown)s.",
    "%(message)s: %(subject)s is %(shown)s: %(problem)s.",
    "%(member)s must be text in quotes, but is %(shown)s.",
    "%(member)s has %(count)s characters; more than %(limit)s cannot be stored.",
)
"""Why `app.cfx` and `app.inbox` take a message not in; `said` is what a library or the database said of it."""
TEXTS: Final = (*SUBJECTS, *WANTED, *PROBLEMS, *UNREGISTERED, *REFUSALS)
_FORMS: Final = {
    "subject": forms(SUBJECTS),
    "wanted": forms(WANTED),
    "problem": forms(PROBLEMS),
    "missing": forms(UNREGISTERED),
    "refusal": forms(REFUSALS),
}


def refusal(words: str, say: Say) -> str:
    """Why a message was not taken in; words of no form that is known stay as they are."""
    return _told("refusal", words, say)


def _told(kind: str, words: str, say: Say) -> str:
    for text, form in _FORMS.get(kind, ()):
        if (told := values(form, words)) is not None:
            return say(text) % {name: _told(name, value, say) for name, value in told.items()}
    return words
