"""`wxpush notify`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wxpush.cli.base import command, interruptible, new_app, surroundings
from wxpush.cli.options import AccountName, Json
from wxpush.console import Console
from wxpush.errors import InputError, InterruptedRunError
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.notifying import Told

app = new_app(_("Those who are told how a run ended."))


@app.callback()
def group() -> None:
    """A group, though it has but one command."""


@command(app, "test", _("Send a line to those under `notify:`, to see that it arrives."))
def send_test(
    campaign: Annotated[Path, typer.Argument(metavar="CAMPAIGN", help=_("The campaign file (YAML)."))],
    account: AccountName = None,
    as_json: Json = False,
) -> int:
    """Send a sample line to each target; 1 where one can't be told."""
    from wxpush.app.announcement import sample
    from wxpush.app.notified import account_without_secret, notifier_of
    from wxpush.campaign.schema import load_campaign

    console, around = Console(json=as_json), surroundings()
    read = load_campaign(campaign, today=around.today())
    notifier = notifier_of(read, account_without_secret(account or read.account, around), around)
    if notifier is None:
        raise InputError(
            _("{campaign} and its account have no `notify:`.").format(campaign=campaign),
            _("Write it like: {example}").format(example="notify: {wecom: {url_env: TEAM_ROBOT}}"),
        )
    try:
        with interruptible():
            found = notifier.tell(sample(read.name, around.now()), everybody=True)
    except KeyboardInterrupt:
        raise InterruptedRunError(_("interrupted")) from None
    if as_json:
        console.json({"schema": 1, "targets": [_facts(told) for told in found]})
    else:
        for told in found:
            console.data(_("{target}: told.").format(target=told.target) if told.is_told else told.warning)
    return 0 if all(told.is_told for told in found) else 1


def _facts(told: "Told") -> dict[str, Any]:
    to, answer = told.target.to, told.answer
    facts = {"kind": to.kind, "source": to.source, "told": told.is_told}
    if told.fault is not None:
        return {**facts, "code": "setting", "meaning": str(told.fault), "hint": told.fault.hint}
    if answer is None or told.is_told:
        return {**facts, "code": None, "meaning": None, "hint": None}
    return {**facts, "code": answer.code, "meaning": answer.meaning.en, "hint": answer.advice.en}
