"""Who of a list is meant, and what is added to its rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from wxpush.app.surroundings import Surroundings


def is_list(name: str) -> bool:
    """Whether what is to be left out is a file; a folder may well bear the name of the run that it is of."""
    return Path(name).exists() and not Path(name).is_dir()


@dataclass(frozen=True, slots=True)
class Sieve:
    """What narrows a list and adds to its rows, as the operator wrote it.

    `exclude` are lists or runs, which are looked up in the surroundings.
    """

    where: str | None = None
    exclude: tuple[str, ...] = ()
    join: Path | None = None
    on: str | None = None
    around: Surroundings = field(default_factory=Surroundings)

    @property
    def files(self) -> list[Path]:
        """The files that are read for it."""
        files = [Path(name) for name in self.exclude if is_list(name)]
        return files if self.join is None else [*files, self.join]

    def words(self) -> list[str]:
        """The options that say so, as they were typed."""
        words = [] if self.where is None else ["--where", self.where]
        for name in self.exclude:
            words += ["--exclude", name]
        if self.join is not None:
            words += ["--join", str(self.join)]
        return words + (["--on", self.on] if self.on is not None else [])

    def from_anywhere(self) -> Sieve:
        """The same with paths that hold in every folder."""
        lists = (str(Path(name).absolute()) if is_list(name) else name for name in self.exclude)
        return replace(self, exclude=tuple(lists), join=self.join and self.join.absolute())
