"""The command line. Only here and in `web/app` is the house put together.

Every command imports what it needs when it runs, so that `--help` answers at once.
"""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from outwait import __version__
from outwait.commands import cli_keep
from outwait.errors import OutwaitError

app = typer.Typer(
    name="outwait",
    help="AI phone calls that ride out long holds: no model session is open while the music plays.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help costs half the time of a coloured one
    context_settings={"help_option_names": ["-h", "--help"]},
)

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)  # a full disk is nobody's bug

Json = Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for call.wav, call.json and report.html.", metavar="DIR")]


def main() -> NoReturn:
    """The `outwait` command. Exit status: 0 done, 1 the job failed, 2 usage."""
    try:
        app(prog_name="outwait")
    except OutwaitError as error:
        _stop(str(error), 2 if error.usage else 1)
    except BrokenPipeError:
        # Whoever read our output has gone (`outwait ... | head`). Nothing can be said to them, not even by Python
        # when it flushes at exit.
        sys.stdout = None
        sys.exit(1)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        _stop(f"{error.filename or 'a file could not be written'}: {error.strerror}", 1)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


def _stop(message: str, status: int) -> NoReturn:
    sys.stderr.write(f"outwait: {' '.join(message.split())}\n")
    sys.exit(status)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"outwait {__version__}\n")
        raise typer.Exit


@app.callback()
def outwait(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command()
def demo(
    as_json: Json = False,
    out: Out = Path("demo-out"),
    engine: Annotated[
        str, typer.Option(help="`local` really hears, answers and speaks; the others do so with a simulated model.")
    ] = "openai",
) -> None:
    """Ride out a 25-minute hold on this machine: simulated carrier, person and model, real sockets, no keys."""
    from outwait import demo as the_demo

    _exit(the_demo.run(out, as_json, engine))


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default: 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on, 0: any free one; default: 8080.", min=0, max=65535)
    ] = None,
    drain: Annotated[
        float | None, typer.Option(help="Seconds that talking calls get after SIGTERM; default: 60.", min=0, max=3600)
    ] = None,
    agent: Annotated[
        str | None, typer.Option(help="Agents that make the calls, separated by commas.", metavar="MODULE:AGENT")
    ] = None,
) -> None:
    """Run the server: the carrier's webhooks and media streams, and the HTTP API."""
    from outwait.serving import serve_agents

    serve_agents(host=host, port=port, drain=drain, agent=agent)


@app.command()
def call(
    to: Annotated[str, typer.Argument(help="Number to call, like +12025550143.")],
    task: Annotated[str, typer.Option(help="What the agent is to get done, in words.")],
    from_: Annotated[
        str | None, typer.Option("--from", help="Number to call from; default: TWILIO_PHONE_NUMBER of the server.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Show the call live until it ends.")] = False,
    engine: Annotated[str | None, typer.Option(help="Engine to use; default: the server's.")] = None,
    max_cost_usd: Annotated[float | None, typer.Option(help="End the call before it costs more than this.")] = None,
    max_hold_minutes: Annotated[float | None, typer.Option(help="End the call when one hold lasts longer.")] = None,
    outcome_schema: Annotated[
        Path | None, typer.Option(help="JSON Schema of the typed result to bring back.", metavar="FILE")
    ] = None,
    agent: Annotated[str | None, typer.Option(help="Which of the server's agents; default: its first.")] = None,
    webhook_url: Annotated[
        str | None, typer.Option(help="Who is told of the call's end; default: whom the server tells.")
    ] = None,
    server: Annotated[
        str, typer.Option(help="Where the server is.", envvar="OUTWAIT_SERVER")
    ] = "http://127.0.0.1:8080",
    as_json: Annotated[bool, typer.Option("--json", help="Print the call object as JSON.")] = False,
) -> None:
    """Ask a running server to place a call."""
    from outwait.commands import client

    wish = {
        "to": to,
        "task": task,
        "from": from_,
        "engine": engine,
        "max_cost_usd": max_cost_usd,
        "max_hold_minutes": max_hold_minutes,
        "outcome_schema": client.read_schema(outcome_schema) if outcome_schema is not None else None,
        "agent": agent,
        "webhook_url": webhook_url,
    }
    given = {name: value for name, value in wish.items() if value is not None}
    _exit(client.run_call(server, given, follow=follow, as_json=as_json))


@app.command()
def listen(
    files: Annotated[list[Path], typer.Argument(help="Recordings: wav, any rate; the first channel counts.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a file on stdout.")] = False,
    on_hold: Annotated[bool, typer.Option("--on-hold", help="The recording starts on hold.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw what was heard into this picture.", metavar="FILE")] = None,
) -> None:
    """Run the ear and the hold logic over recordings, as a live call would have heard them."""
    from outwait.commands.listen import listen as run_listen

    _exit(run_listen(files, on_hold=on_hold, as_json=as_json, plot=plot))


@app.command()
def replay(path: Annotated[Path, typer.Argument(help="A call.json.", metavar="CALL_JSON")]) -> None:
    """Run a past call's log through today's core and show where it differs."""
    from outwait.commands.replay import replay as run_replay

    _exit(run_replay(path))


@app.command()
def report(
    path: Annotated[Path, typer.Argument(help="A call.json.", metavar="CALL_JSON")],
    wav: Annotated[
        Path | None, typer.Option(help="The call's sound, for the waveform; default: call.wav beside it.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Page to write; default: report.html beside it.", metavar="FILE")
    ] = None,
) -> None:
    """Make the report page of a call: one file, to be opened in any browser."""
    from outwait.report import write_report

    sys.stdout.write(f"{write_report(path, wav=wav, out=out)}\n")


@app.command()
def cost(
    path: Annotated[Path | None, typer.Argument(help="A call.json.", metavar="CALL_JSON")] = None,
    compare: Annotated[bool, typer.Option("--compare", help="What it costs on every engine that has a price.")] = False,
    scenario: Annotated[
        str | None, typer.Option(help="Compare for a simulated company instead of a call.", metavar="NAME")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a call did cost, or what it would cost on each engine, parked and not."""
    from outwait.commands import compare as the_comparison

    if path is not None and scenario is not None:
        raise OutwaitError("give a CALL_JSON or a --scenario, not both", usage=True)
    if compare or scenario is not None:
        the_comparison.run(path, scenario, as_json)
    elif path is None:
        raise OutwaitError("give a CALL_JSON, or --compare", usage=True)
    else:
        the_comparison.show_bill(path, as_json)


@app.command()
def label(
    path: Annotated[Path, typer.Argument(help="A call.json.", metavar="CALL_JSON")],
    false_resume: Annotated[
        float | None, typer.Option(help="Nobody was there: seconds of the call at which it resumed.", metavar="AT")
    ] = None,
    missed: Annotated[
        float | None, typer.Option(help="A person was back: seconds of the call at which they spoke.", metavar="AT")
    ] = None,
    wav: Annotated[Path | None, typer.Option(help="The call's sound; default: call.wav beside it.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder of such moments.", metavar="DIR")] = Path("labels"),
) -> None:
    """Keep a moment of a recorded call in which the ear was wrong; `outwait bench ear --labels DIR` reads it."""
    from outwait.commands.label import keep

    sys.stdout.write(f"{keep(path, false_resume=false_resume, missed=missed, wav=wav, out=out)}\n")


@app.command()
def phrases(
    engine: Annotated[str | None, typer.Option(help="Of this engine; default: the one of the settings.")] = None,
    make: Annotated[bool, typer.Option("--make", help="Have those made that are missing; it costs a little.")] = False,
) -> None:
    """Show which phrases the agent's voice has, and have the others made before anybody is called."""
    from outwait.commands import phrases as the_phrases

    _exit(the_phrases.run(engine, make=make))


@app.command()
def doctor() -> None:
    """Check keys, public URL, database, clock and models, and say what to do about each."""
    from outwait.commands import doctor as the_doctor

    _exit(the_doctor.run())


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which one; without a name they are listed.")] = None,
) -> None:
    """Run a benchmark. What stands after NAME is for the benchmark itself."""
    from outwait import bench as benches

    if name is None:
        known = benches.benchmarks()
        width = max(map(len, known), default=0)
        sys.stdout.writelines(f"{known_name:<{width}}  {first}\n" for known_name, first in known.items())
        return
    _exit(benches.run(name, context.args))


app.command()(cli_keep.prune)
app.command()(cli_keep.forget)
app.command()(cli_keep.number)
app.add_typer(cli_keep.key, name="key")
app.add_typer(cli_keep.dnc, name="dnc")


def _exit(status: int | None) -> None:
    if status:
        raise typer.Exit(status)
