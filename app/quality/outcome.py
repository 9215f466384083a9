"""What a run said of a board, in four words, and where the words of CFX go."""

from enum import StrEnum

from app.errors import Invalid
from app.sentences import Sentence

# `CFX.Structures.VerificationResult` in its order; the first is what a station writes where nobody verified anything.
VERIFICATIONS = (
    "NotVerifiedYet",
    "DefectConfirmed",
    "DefectRejected",
    "DefectAccepted",
    "DefectRepaired",
    "DefectClosed",
)

# The verification of a call that a person looked at and found wrong: a false call. `DefectAccepted`
# is one too, against its name: the SDK says "rejected (FalseFail), but corrective action shall be initiated".
FALSE_CALLS = ("DefectRejected", "DefectAccepted")

# `CFX.Structures.TestResult` in the order of its numbers: machines send the name, the number or the number as text.
CFX_RESULTS = ("Passed", "Failed", "Error", "Aborted", "Skipped")


class Outcome(StrEnum):
    """How a run, or one step of it, ended.

    - `passed`, `failed`: a verdict on the board.
    - `error`: the tester broke; it says nothing of the board.
    - `aborted`: the run did not come to a verdict (a pretest abort, a skipped run).

    Only `passed` and `failed` are tries: yields count nothing else.
    """

    passed = "passed"
    failed = "failed"
    error = "error"
    aborted = "aborted"

    @classmethod
    def from_cfx(cls, result: str | int) -> "Outcome":
        """Read a `TestResult`: its name in any case, or its number (`1`, `"1"`). `Skipped` reached no verdict.

        Raises `Invalid` for any other word: a result is never guessed.
        """
        return _OUTCOMES[result_code(result)]


_OUTCOMES = (Outcome.passed, Outcome.failed, Outcome.error, Outcome.aborted, Outcome.aborted)
_CODES = {name.casefold(): code for code, name in enumerate(CFX_RESULTS)} | {
    str(code): code for code in range(len(CFX_RESULTS))
}


def result_code(result: str | int) -> int:
    """Give the number of a `TestResult` (0 Passed .. 4 Skipped), which is what packed results hold."""
    code = _CODES.get(str(result).strip().casefold())
    if code is None:
        raise Invalid(
            Sentence(
                "The result %(result)s is not one of %(all_results)s. Correct it at the station and send "
                "the message again.",
                result=repr(result),
                all_results=CFX_RESULTS,
            )
        )
    return code


def verified(said: Outcome, verification: str | None) -> tuple[Outcome, Outcome]:
    """Give (what the machine found, what holds after verification).

    - A person who rejects the call makes it a false one: the machine failed it, the board passed. That is so too where
      the station already sends `Passed`: there was a call to reject.
    - Every other verification (confirmed, repaired, closed, not yet) leaves the machine's word: a board that was
      repaired after it failed did fail this inspection.
    - An error or an abort is no call, so there is nothing to verify.
    """
    if verification in FALSE_CALLS and said in (Outcome.passed, Outcome.failed):
        return Outcome.failed, Outcome.passed
    return said, said
