"""Options of the verbs that look for the manifest of a stripped file, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ...provenance.durable import Store
    from ...provenance.finders import Finder, Recovery

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store", help="Where manifests are kept: a file or postgresql://...; else ASSAY_STORE, or your own."
    ),
]
ResolverOption = Annotated[
    list[str] | None,
    typer.Option("--resolver", help="Ask this C2PA resolution service for manifests by the id in a mark; repeatable."),
]
InsideOption = Annotated[
    list[str] | None,
    typer.Option("--resolver-inside", help="This resolver's host may be on a private network, over http; repeatable."),
]
MarkKeyOption = Annotated[
    list[Path] | None, typer.Option("--mark-key", help="Read marks under this key file of your own too; repeatable.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where manifests of stripped files are looked for, as the options say."""

    store: str | None = None
    resolvers: tuple[str, ...] = ()
    inside: frozenset[str] = frozenset()
    keys: tuple[Path, ...] = ()

    @classmethod
    def of(
        cls, store: str | None, resolvers: list[str] | None, inside: list[str] | None, keys: list[Path] | None
    ) -> Places:
        """Return the places that the options of a verb name."""
        return cls(
            store=store,
            resolvers=tuple(resolvers or ()),
            inside=frozenset(inside or ()),
            keys=tuple(keys or ()),
        )

    def recovery(self) -> tuple[Recovery | None, tuple[object, ...]]:
        """Return where to look, `None` if there is nothing to look into, and what answers depend on.

        A store of the user's own that cannot be read is told on stderr and left out; one that was named is an error.
        """
        from ...provenance.finders import LocalFinder, Recovery

        finders: list[Finder] = []
        kept = self._kept()
        if kept is not None:
            finders.append(LocalFinder(kept[0]))
        if self.resolvers:
            from ...provenance.resolver import Resolver

            finders += [Resolver(base, inside=self.inside) for base in self.resolvers]
        if not finders:
            return None, ()
        keys = mark_keys(self.keys)
        under = ("recover", *((kept[0].name, kept[1]) if kept else ()), *self.resolvers, *keys)
        return Recovery(finders=tuple(finders), keys=keys), under

    def _kept(self) -> tuple[Store, int] | None:
        from ...media.errors import InputError
        from ...provenance.durable import Store

        try:
            store = Store(self.store)
            count = len(store)
        except InputError as error:
            if self.store is not None:
                raise
            typer.echo(f"assay: {error}; stripped files are not looked up there", err=True)
            return None
        if self.store is not None and not count:
            typer.echo(f"assay: {store.name} keeps no manifest: stripped files are not looked up there", err=True)
        return (store, count) if count else None


def mark_keys(paths: tuple[Path, ...]) -> tuple[bytes, ...]:
    """Return the keys under which marks are read: everybody's, and those in the files at `paths`."""
    from ...provenance.marks.keys import SHARED_KEY, load_key

    return (SHARED_KEY, *(load_key(path) for path in paths))
