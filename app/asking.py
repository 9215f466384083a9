"""The two questions and the recall drill on the command line, as text."""

import typer
from sqlalchemy import Connection

from app.quality.drill import run_drill
from app.trace.made_from import made_from
from app.trace.question import Question
from app.trace.where_used import stream_where_used


def print_made_from(connection: Connection, serial: str) -> None:
    """Print what is in a unit, a designator a line."""
    answer = made_from(connection, serial)
    head = [answer.serial, answer.product, answer.work_order and f"order {answer.work_order}", answer.customer]
    typer.echo(" · ".join(part for part in head if part))
    if answer.boards:
        typer.echo(f"panel with the boards {', '.join(answer.boards)}")
    for part in answer.installations:
        removed = f"  removed {part.removed_at:%Y-%m-%d %H:%M}" if part.removed_at else ""
        if part.perhaps_removed_at:
            removed += f"  perhaps removed {part.perhaps_removed_at:%Y-%m-%d %H:%M}"
        typer.echo(
            f"{part.reference_designator or '-':<10}{part.part_number or '-':<24}{part.package or '-':<28}"
            f"{part.lot or '-':<20}{part.evidence:<9}{part.station}{removed}"
        )
    for child in answer.components:
        typer.echo(f"{child.reference_designator or '-':<10}unit {child.serial}")
    typer.echo(f"{len(answer.installations)} placements, {len(answer.components)} child units")


def print_where_used(
    connection: Connection,
    *,
    package: str | None,
    lot: str | None,
    part_number: str | None,
    serial: str | None,
) -> None:
    """Print which units carry it, a unit a line."""
    question = Question(package=package, lot=lot, part_number=part_number, serial=serial)
    count = 0
    for unit in stream_where_used(connection, question):
        count += 1
        via = f"  via {unit.via}" if unit.via else ""
        where = " ".join(unit.reference_designators) or "-"
        typer.echo(f"{unit.serial:<28}{unit.evidence:<9}{unit.place or '-':<28}{where}{via}")
    typer.echo(f"{count} units")


def print_drill(connection: Connection, *, seed: int | None) -> None:
    """Run a recall drill and print what came of it."""
    done = run_drill(connection, actor="command line", seed=seed)
    part = f" of part {done.part_number}" if done.part_number else ""
    typer.echo(f"Lot {done.lot}{part} (seed {done.seed}): {done.packages} packages, {done.units} units.")
    typer.echo(f"exact {done.exact}, bounded {done.bounded}, inferred {done.inferred}; {done.shipped} had shipped.")
    typer.echo(f"Complete genealogy: {done.complete} of {done.units} units ({done.completeness:.1%}).")
    typer.echo(f"Answered in {done.seconds:.3f} s.")
