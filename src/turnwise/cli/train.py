"""`turnwise train`: teach an agent, watch it, and see what it has learned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from turnwise.api.defaults import MODEL, RECIPE, WORLD
from turnwise.cli.command import command, seed_option
from turnwise.cli.out import Out
from turnwise.cli.settings import parse, set_option
from turnwise.core.errors import TurnwiseError

if TYPE_CHECKING:
    from turnwise.api.runs import Run


MODELS = "scratch:nano, scratch:micro, scratch:small or hf:DIR."


@command(
    "turnwise train",
    "turnwise train wordle --recipe grpo --set rounds=50 --set world.turns=8",
    "turnwise train --resume runs/twenty-questions-turn-ppo-1",
)
@click.argument("world", default=WORLD)
@click.option("--recipe", metavar="NAME", default=RECIPE, show_default=True, help="What teaches it.")
@click.option("--model", metavar="SPEC", default=MODEL, show_default=True, help=MODELS)
@set_option("A setting of the recipe, or of the world as world.NAME; as often as wanted.")
@click.option("--out", "folder", type=click.Path(path_type=Path), help="A new folder.  [default: runs/WORLD-RECIPE-N]")
@click.option("--resume", type=click.Path(path_type=Path), metavar="DIR", help="Go on with a run that was stopped.")
@seed_option(0, "Of everything: the same command with the same seed gives the same bytes.")
def train(out: Out, world: str, **options: Any) -> int:
    """Train an agent, and compare it with what it was before.

    WORLD is twenty-questions unless another is named; turnwise worlds and turnwise recipes list what there
    is. Ctrl-C stops after the round; what is there can be gone on with.
    """
    from turnwise.cli.progress import Display

    given = {name for name in (*options, "world") if from_command_line(name)}
    if options["resume"]:
        refuse_conflicts(options["resume"], options | {"world": world}, given - {"resume"})
    display = Display(out.aside)
    with display.watching():
        run = go_on(out, options["resume"], display) if options["resume"] else begin(out, world, options, display)
    if not run.complete:
        out.note(f"stopped after a whole round; {run.path} can be gone on with")
        out.finish(run.as_json(), [f"turnwise train --resume {run.path}"])
        return 130
    with out.working("writing the report"):
        page = run.report()
    show(out, run, page)
    return 0


def begin(out: Out, world: str, options: dict[str, Any], display: Any) -> Run:
    """A new run."""
    import sys

    from turnwise.api import training

    settings, world_settings = parse(options["sets"])
    recipe, model = options["recipe"], options["model"]

    def opened(path: Path) -> None:
        out.opened(path)
        out.note(f"{recipe} in {world}, {model}, seed {options['seed']}, into {path}")

    return training.train(
        world, recipe, model=model, settings=settings, world_settings=world_settings, out=options["folder"],
        seed=options["seed"], progress=display, command=["turnwise", *sys.argv[1:]], opened=opened,
    )  # fmt: skip


def go_on(out: Out, path: Path, display: Any) -> Run:
    """A run that was stopped."""
    from turnwise.api.training import resume

    def opened(path: Path) -> None:
        out.opened(path)
        out.note(f"going on with {path}")

    run = resume(path, progress=display, opened=opened)
    for sentence in run.found:
        out.note(f"found: {sentence}")
    return run


def refuse_conflicts(path: Path, options: dict[str, Any], given: set[str]) -> None:
    """A run that goes on has its settings already; what says otherwise cannot take effect.

    Raises:
        TurnwiseError: the option, what was asked, and what the run has.
    """
    from turnwise.core.run_folder import RunFolder

    info = RunFolder.open(path).info
    kept = info["settings"] | {"seed": info["seed"]}
    for name in sorted(given):
        if name in kept and options[name] == kept[name]:
            continue
        said = {"world": f"WORLD {options['world']!r}", "sets": f"--set {' '.join(options.get('sets', ()))}"}
        has = f", whose run has {kept[name]!r}" if name in kept else ""
        raise TurnwiseError(
            f"{said.get(name, f'--{name} {options[name]}')} with --resume {path}{has}",
            "--resume alone: a run goes on with the settings it began with",
            f"turnwise train --resume {path}, or a new run without --resume",
        )


def from_command_line(name: str) -> bool:
    """Whether a parameter was typed."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def show(out: Out, run: Run, page: Path) -> None:
    """Before and after, an example, the report, and what to do next."""
    from turnwise.cli.numbers import counts, difference, plain_table, value

    document = run.as_json() | {"report": str(page)}
    if not out.as_json and run.after is not None:
        table = plain_table("", "before", "after", "paired difference")
        then, now = run.before, run.after
        for name, of, by in (
            ("success", "success", "success"),
            ("return", "returns", "return"),
            ("turns", "turns", ""),
        ):
            table.add_row(
                name,
                value(getattr(then, of)) if then else "",
                value(getattr(now, of)),
                difference(run.gain(by)) if by else "",
            )
        out.say("", table, f"[dim]evaluation tasks, 95% intervals clustered by task: {counts(now.returns)}[/]")
        show_example(out, run)
        out.say("", f"report: {page}")
    place, world = run.path, run.spec.world.name
    out.finish(
        document,
        [f"turnwise report {place} --open", f"turnwise play {world} --agent run:{place}", others(run)],
    )


def others(run: Run) -> str:
    """A third thing to try: the expert on the same tasks, or another recipe."""
    world, recipe = run.spec.world, run.spec.recipe.name
    if world.experts:
        return f"turnwise evaluate script:{world.demonstrator or sorted(world.experts)[0]} {world.name}"
    return f"turnwise compare {world.name} --recipes {recipe},{'bc' if recipe != 'bc' else 'grpo'} --seeds 3"


def show_example(out: Out, run: Run) -> None:
    """One task before and after, side by side: one that was failed and is solved now, where there is such."""
    from turnwise.cli.transcript import side_by_side

    pairs = list(run.pairs())
    gained = [p for p in pairs if p[0].success is False and p[1].success]
    lost = [p for p in pairs if p[0].success and p[1].success is False]
    if not pairs:
        return
    then, now = min(gained or pairs, key=lambda p: (len(p[0].turns) + len(p[1].turns), p[1].id))
    why = "an example, chosen because it was failed and is solved now" if gained else "an example"
    out.say(
        "",
        f"[bold]task {now.task.key}[/], the same secret and the same luck before and after ({why};"
        f" of {len(pairs)} pairs {len(gained)} are such, {len(lost)} the other way round)",
        side_by_side(then, now, ("before", "after")),
    )
