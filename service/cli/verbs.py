"""A group of verbs whose first one may go without its name: `assay bench --reals X` is `assay bench run --reals X`."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class DefaultVerb(TyperGroup):
    """Calls the verb `run` where options come first."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer carries a Click of its own
        """Return `args`, with `run` before them if they begin with an option that is not `--help`."""
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = ["run", *args]
        return super().parse_args(ctx, args)
