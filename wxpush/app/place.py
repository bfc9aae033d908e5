"""Where a sending happens: the account it speaks for and the folders it keeps its state in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wxpush.app.surroundings import Surroundings
from wxpush.config import Account, Directories, Secret, load_account
from wxpush.delivery.run import state_beside
from wxpush.private import ensure_private_dir, remove_tree

if TYPE_CHECKING:
    from wxpush.channels.wechat.template import Template
    from wxpush.sandbox import Sandbox, Scenario

SANDBOX_ORIGIN: Final = "sandbox"


@dataclass(frozen=True, slots=True)
class Scene:
    """`origin` owns the runs; `state` holds them, `directories` the token."""

    account: Account
    origin: str
    state: Path
    directories: Directories
    rehearsal: bool = False


def real_scene(account: str | None, campaign: Path, around: Surroundings) -> Scene:
    """The account that is asked for, and the state beside the campaign. Raises InputError."""
    chosen = load_account(account, around.environ)
    directories = around.directories
    return Scene(chosen, chosen.origin, state_beside(campaign, directories.home), directories)


@contextmanager
def sandbox_scene(scenario: str, template: Template, campaign: Path, around: Surroundings) -> Iterator[Scene]:
    """A WeChat started for this command, with a state of its own that begins anew each time."""
    from wxpush.sandbox import Sandbox

    home = ensure_private_dir(state_beside(campaign, around.directories.home) / "sandbox")
    remove_tree(home / "accounts")
    known: dict[str, Any] = {"template_id": template.id, "title": template.title, "content": template.content}
    if template.allowed:
        known["allowed"] = {name: list(values) for name, values in template.allowed.items()}
    with Sandbox(scenario_of(scenario).with_templates([known])) as sandbox:
        account = Account("sandbox", sandbox.appid, Secret(sandbox.secret), api_base=sandbox.url)
        scene = Scene(account, SANDBOX_ORIGIN, home, Directories(home, home), rehearsal=True)
        with _receipts_kept(sandbox, scene, around) if sandbox.scenario.events.enabled else nullcontext():
            yield scene


@contextmanager
def _receipts_kept(sandbox: Sandbox, scene: Scene, around: Surroundings) -> Iterator[None]:
    """Take the events of a sandbox in as they come, without a URL between."""
    from wxpush.app.receiving import take_in_from

    with take_in_from(sandbox.on_events, scene.directories.receipts_dir(scene.account), around):
        yield


def scenario_of(name: str) -> Scenario:
    """A scenario that comes with wxpush, or a scenario file. Raises InputError, ProblemsError."""
    from wxpush.sandbox import Scenario
    from wxpush.sandbox.scenario import load

    path = Path(name)
    if path.suffix in {".yaml", ".yml"}:
        return load(path)
    return Scenario.named(name)
