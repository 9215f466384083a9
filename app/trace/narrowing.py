"""Of boards found by one term: those that the terms on work mean, too."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from app.trace.boards import Place
from app.trace.evidence import Evidence
from app.trace.question import Question
from app.trace.told import Told
from app.trace.works import boards_worked_on


class Narrowing:
    """The boards that several terms on work mean, each wherever and whenever it was done."""

    def __init__(self, connection: Connection, question: Question, terms: Sequence[str]) -> None:
        anywhere = replace(question, station=None, since=None, until=None)
        self._meant: list[tuple[Told, Told]] = []
        for term in terms:
            surely, possibly = Told(), Told()
            for board in boards_worked_on(connection, anywhere, term):
                meant = surely if board.evidence is Evidence.exact else possibly
                meant.add([(board.unit_id, board.position_number)])
            self._meant.append((surely, possibly))

    def evidence(self, place: Place) -> Evidence | None:
        """How sure it is that all terms hold of the board; None where one does not."""
        found = Evidence.exact
        for surely, possibly in self._meant:
            if place in surely:
                continue
            if place not in possibly:
                return None
            found = Evidence.inferred
        return found
