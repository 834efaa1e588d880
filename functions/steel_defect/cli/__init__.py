"""The command `steel-defect`. Each command is a module of its own, imported when it runs."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final

import click

from steel_defect import __version__
from steel_defect.cli.printing import whole_output

# name -> module that holds the click command under `command`, and the help line shown without importing it
COMMANDS: Final = {
    "score": ("steel_defect.cli.score", "Score pictures: files, folders or patterns."),
    "upload": ("steel_defect.cli.upload", "Put pictures into the uploads bucket; show their results."),
    "watch": ("steel_defect.cli.watch", "Score every picture that comes into a folder: the service at the line."),
    "report": ("steel_defect.cli.coil_report", "Report on a coil: its defects, roll marks and verdict."),
    "serve": ("steel_defect.cli.serve", "Serve the HTTP interface on this machine."),
    "drift": ("steel_defect.cli.drift", "Check whether pictures still look as they did when the model was evaluated."),
    "labels": ("steel_defect.cli.labels", "Bring what people said of pictures into a folder to train on."),
    "quality": ("steel_defect.cli.quality", "Precision and recall of a period, by what people said of its pictures."),
    "import": ("steel_defect_trainer.cli.import_labels", "Bring the labels of another tool into a layout to train on."),
    "eda": ("steel_defect_trainer.cli.eda", "Explore labelled pictures in one report."),
    "split": ("steel_defect_trainer.cli.split", "Split labelled pictures into training, validation and test parts."),
    "train": ("steel_defect_trainer.cli.train", "Train a recipe on labelled pictures."),
    "cross-validate": ("steel_defect_trainer.cli.cross_validate", "Judge a recipe on few pictures, fold by fold."),
    "evaluate": ("steel_defect_trainer.cli.evaluate", "Judge a training run; choose its threshold."),
    "compare": ("steel_defect_trainer.cli.compare", "Compare training runs."),
    "export": ("steel_defect_trainer.cli.export", "Turn a training run into model files and a card."),
    "decide": ("steel_defect.cli.decide", "Write another threshold or review band into a model file."),
    "publish": ("steel_defect.cli.publish", "Put a model file into a registry."),
    "models": ("steel_defect.cli.models", "List, promote and roll back the models of a registry."),
    "redrive": ("steel_defect.cli.redrive", "Move failed uploads from a dead-letter queue back."),
}
_OF_WATCH: Final = {"paho", "watchfiles"}


class LazyGroup(click.Group):
    """Imports a command when it is run or its own help is asked for, so that `--help` is instant and needs no torch."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names in the order in which one needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import the module of one command."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)  # noqa: S101 - a fault of ours, not of the user
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for one that is misspelt, say which is meant."""
        near = get_close_matches(args[0], COMMANDS) if args[0] not in COMMANDS else []
        if near:
            message = f"No such command {args[0]!r}. Did you mean {' or '.join(map(repr, near))}?"
            raise click.UsageError(message, ctx)
        return super().resolve_command(ctx, args)

    def main(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - click's signature
        """Run a command line."""
        with whole_output():
            return super().main(*arguments, **options)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; say what to do if packages of an extra are not installed."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            extra = "watch" if (error.name or "").partition(".")[0] in _OF_WATCH else "trainer"
            message = (
                f"this command needs {error.name}, which is not installed: "
                f"pip install 'steel-defect[{extra}]', or in a clone 'uv sync --extra {extra}'"
            )
            raise click.ClickException(message) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """List the commands from the table, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="steel-defect")
def main() -> None:
    """Find defects on photographs of steel strip."""
