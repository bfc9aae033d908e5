"""What one `send` is to do, and where: all that is read and found before its run is opened."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from wxpush.app.approval import refuse_unapproved
from wxpush.app.material import Material, read_material
from wxpush.app.place import Scene, real_scene, sandbox_scene
from wxpush.app.request import SendRequest
from wxpush.app.schedule import day_of, refuse_odd_moments
from wxpush.app.sources.excluding import refuse_other_accounts
from wxpush.app.surroundings import Surroundings
from wxpush.delivery.identity import RunId
from wxpush.delivery.run import RunFolder
from wxpush.errors import InputError
from wxpush.i18n import _
from wxpush.private import remove, remove_tree

_LONGEST_NAME: Final = 80


@dataclass(frozen=True, slots=True)
class Errand:
    """A request with its files, its account's scene and its run's folder, which is locked."""

    request: SendRequest
    around: Surroundings
    material: Material
    scene: Scene
    run: RunId
    folder: RunFolder

    @property
    def receipts(self) -> Path:
        """Where the account's receipts are, if it has any."""
        account = self.scene.account
        return self.scene.directories.receipts_path(account.origin, account.appid)

    @property
    def own_surroundings(self) -> Surroundings:
        """Where this run and the others of its account are: a rehearsal has a world of its own."""
        return replace(self.around, home=self.scene.state) if self.scene.rehearsal else self.around

    def refuse_changed_list(self) -> None:
        """The question may have stood open for long enough to save the list once more. Raises InputError."""
        with self.request.recipients.open("rb") as file:
            now = hashlib.file_digest(file, "sha256").hexdigest()
        if now != self.material.recipients.digest():
            raise InputError(
                _("{list}: the list has changed since it was checked; nothing was sent.").format(
                    list=self.request.list_name
                ),
                _("Run the same command again."),
            )


@contextmanager
def held(request: SendRequest, around: Surroundings) -> Iterator[Errand]:
    """Read the files, find the account, and hold the run's lock as long as the context lasts.

    Raises InputError for wrong files or options, LockedError while another process works on the run.
    """
    _refuse_odd_name(request.run)
    material = read_material(
        request.campaign,
        request.recipients,
        list_name=request.list_name,
        list_format=request.list_format,
        today=day_of(request, around),
        sieve=request.sieve,
    )
    refuse_unapproved(request, material)
    refuse_odd_moments(request, around, material.campaign)
    with ExitStack() as stack:
        if request.sandbox is not None:
            scene = stack.enter_context(
                sandbox_scene(request.sandbox, material.template, request.campaign, around)
            )
        else:
            scene = real_scene(request.account or material.campaign.account, request.campaign, around)
            refuse_other_accounts(material.sifted.excluded, scene.origin, scene.account.appid)
        run = RunId(scene.origin, scene.account.appid, request.run or material.campaign.name)
        folder = RunFolder.of(scene.state, run)
        stack.enter_context(folder.locked())
        if scene.rehearsal:
            _begin_anew(folder)
        yield Errand(request, around, material, scene, run, folder)


def _refuse_odd_name(run: str | None) -> None:
    """An empty variable in a script must not continue the campaign's own run."""
    if run is not None and not (run.strip() and run.isprintable() and len(run) <= _LONGEST_NAME):
        raise InputError(
            _("--run: a run's name has 1 to {most} printable characters.").format(most=_LONGEST_NAME),
            _("Leave --run out to use the campaign's own name."),
        )


def _begin_anew(folder: RunFolder) -> None:
    remove_tree(folder.ledger)
    for path in folder.path.glob("*.json*"):
        remove(path)
