"""The command line: ``python3 -m app COMMAND``, installed ``birthmark COMMAND``.

Commands are thin: each imports what it needs when it runs, so that none pays for another's start.
"""
# ruff: noqa: PLC0415

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.errors import BirthmarkError
from app.logs import configure_logging
from app.settings import settings

cli = typer.Typer(
    name="birthmark",
    help="Traceability for electronics lines: from the reel to the reference designator on every board.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
token = typer.Typer(no_args_is_help=True, help="Bearer tokens of machines and scripts.")
tls = typer.Typer(no_args_is_help=True, help="HTTPS, without which browsers give no page the camera.")
trace = typer.Typer(no_args_is_help=True, help="Ask the record: what is in a unit, where a package went.")
cli.add_typer(token, name="token")
cli.add_typer(tls, name="tls")
cli.add_typer(trace, name="trace")

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def main() -> None:
    """Run the command line; an error of ours is one sentence, not a traceback."""
    from pydantic import ValidationError
    from sqlalchemy.exc import OperationalError

    try:
        configure_logging(settings())
        cli(prog_name="birthmark")
    except BirthmarkError as error:
        sys.exit(f"{error.sentence}")
    except OperationalError as error:
        said = str(error.orig).strip().partition("\n")[0]
        sys.exit(f"The database does not answer ({said}). `python3 -m app doctor` says what is wrong.")
    except OSError as error:
        if error.filename is None:  # not a file: a fault of ours, whose place matters
            raise
        sys.exit(f"{error.filename}: {error.strerror}. Check the path, its owner and the space on the disk.")
    except ValidationError as error:
        names = (f"BIRTHMARK_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        sys.exit("A setting cannot be used. " + "; ".join(names))


@cli.command()
def demo(
    reset: Annotated[bool, typer.Option("--reset", help="Delete the data folder's contents and start over.")] = False,
    once: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Build N panels, compare with the simulator's truth, end.")
    ] = None,
    board: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="BOM PLACEMENTS", help="Build the board of these KiCad files.", exists=True),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulated line.")] = 1,
) -> None:
    """Run the product with a live simulated SMT line."""
    from app.demo.running import run_demo

    raise typer.Exit(run_demo(settings(), reset=reset, once=once, board=board, seed=seed))


@cli.command()
def serve() -> None:
    """Run the product: database, broker, intake and web."""
    from app.running import run_product

    run_product(settings())


@cli.command()
def intake() -> None:
    """Run one intake process: messages from the broker into the database."""
    from app.running import run_intake

    run_intake()


@cli.command(hidden=True)
def gate() -> None:
    """Run the gate's process alone; `serve` starts it."""
    from app.running import run_gate

    run_gate()


@cli.command(hidden=True)
def web(demo: Annotated[Path | None, typer.Option(help="What the demo keeps of its access.")] = None) -> None:
    """Run the web process alone; `serve` starts it."""
    from app.running import run_web

    run_web(demo)


@cli.command()
def migrate() -> None:
    """Bring the database up to date."""
    from app.running import database
    from app.schema import head, upgrade_url

    with database() as url:
        changed = upgrade_url(url)
        typer.echo(f"The database is {'now ' if changed else ''}at revision {head()}.")


@cli.command(context_settings=PASS_ON)
def simulate(context: typer.Context) -> None:
    """Run the simulated line against the product that runs here; arguments go to the simulator."""
    from app.demo.running import run_simulator

    raise typer.Exit(run_simulator(settings(), context.args))


@cli.command(context_settings=PASS_ON)
def test(context: typer.Context) -> None:
    """Check the code and run the tests; extra arguments go to pytest (and leave out the checks)."""
    from app.checks import run_tests

    raise typer.Exit(run_tests(context.args))


@cli.command()
def bench(
    name: str,
    scale: Annotated[str, typer.Option(help="small, or full: the size the figures were promised for.")] = "small",
) -> None:
    """Run a benchmark beside the reference it is compared with."""
    from app.bench.running import run

    raise typer.Exit(run(name, scale, settings().data_dir))


@cli.command()
def drill(
    seed: Annotated[int | None, typer.Option(help="Pick the lot that this seed picked before.")] = None,
) -> None:
    """Run a blind recall drill: pick a lot, find its units, time the answer."""
    from app.asking import print_drill
    from app.running import migrated_engine

    with migrated_engine() as engine, engine.begin() as connection:
        print_drill(connection, seed=seed)


@cli.command()
def doctor() -> None:
    """Say what is installed, reachable and misconfigured, and what to do about it."""
    from app.doctor import examine, render

    findings = examine(settings())
    typer.echo(render(findings))
    raise typer.Exit(1 if any(finding.state == "broken" for finding in findings) else 0)


@cli.command()
def backup(file: Annotated[Path, typer.Argument(dir_okay=False)]) -> None:
    """Write the whole database into a file."""
    from app.backups import write_backup
    from app.running import database

    with database() as url:
        size = write_backup(url, file)
    typer.echo(f"{file}: {size:,} bytes. Restore it with `python3 -m app restore {file}`.")


@cli.command()
def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    replace: Annotated[
        str | None, typer.Option(metavar="DATABASE", help="Replace what this database holds; retype its name.")
    ] = None,
) -> None:
    """Bring a backup into an empty database, or in place of what one holds."""
    from app.backups import restore_backup
    from app.running import database

    with database() as url:
        restore_backup(url, file, replace=replace)
    typer.echo(f"{file} is restored.")


@token.command("create")
def token_create(
    name: Annotated[str, typer.Option(help="Whose token it is, for the audit trail.")],
    role: Annotated[str, typer.Option(help="What it may do, for instance line_equipment.")],
    customer: Annotated[str | None, typer.Option(help="Customer whose products it may see.")] = None,
    station: Annotated[str | None, typer.Option(help="CFX handle Vendor.Model.Serial it speaks for.")] = None,
    person: Annotated[str | None, typer.Option(help="Whoever bears it, in their own role.")] = None,
) -> None:
    """Make a token and print it on the last line; it cannot be shown again."""
    from app.people import create_token
    from app.running import migrated_engine

    with migrated_engine() as engine, engine.begin() as connection:
        secret = create_token(
            connection, name=name, role=role, customer=customer, station=station, person=person, actor="command line"
        )
    typer.echo(f"Token of {name}, role {role}{f', station {station}' if station else ''}:\n{secret}")


@trace.command("made-from")
def made_from(serial: str) -> None:
    """What is in a unit, designator by designator."""
    from app.asking import print_made_from
    from app.running import migrated_engine

    with migrated_engine() as engine, engine.connect() as connection:
        print_made_from(connection, serial)


@trace.command("where-used")
def where_used(
    package: Annotated[str | None, typer.Option(help="Identifier of a reel, tray or tube.")] = None,
    lot: Annotated[str | None, typer.Option(help="Lot code; give --part-number too.")] = None,
    part_number: Annotated[str | None, typer.Option()] = None,
    serial: Annotated[str | None, typer.Option(help="Serial of a child unit.")] = None,
) -> None:
    """Which units carry a package, a lot or a child, and where on them."""
    from app.asking import print_where_used
    from app.running import migrated_engine

    with migrated_engine() as engine, engine.connect() as connection:
        print_where_used(connection, package=package, lot=lot, part_number=part_number, serial=serial)


@tls.command("init")
def tls_init(
    host: Annotated[
        list[str] | None, typer.Option(help="One more name or address that browsers use for this machine; repeatable.")
    ] = None,
) -> None:
    """Make a certificate authority of your own and the web server's certificate; `serve` uses it from then on."""
    from app.certificate_authority import initialise

    authority, names = initialise(settings().data_dir / "tls", host or [])
    typer.echo(f"The certificate holds for {', '.join(names)}. Start Birthmark again: it answers by https now.")
    typer.echo(f"Install this authority on every tablet and computer that shall trust it:\n{authority}")
