"""Compares what was checked on the desk with the account: templates, quota, and who follows."""

import shlex
from collections.abc import Iterable, Sequence
from typing import Final

from wxpush.app.surroundings import Surroundings
from wxpush.app.usage import Audiences, Use
from wxpush.channels.wechat.client import WeChatClient, make_keeper
from wxpush.channels.wechat.following import AT_ONCE, asked
from wxpush.channels.wechat.listed import Listed, difference, listed_templates
from wxpush.config import load_account
from wxpush.delivery.gate import left_to_run
from wxpush.i18n import _
from wxpush.model import Problem, Quota, Severity

_PATIENCE: Final = 15.0


def compare(
    uses: Sequence[Use], audiences: Audiences | None, account: str | None, around: Surroundings
) -> list[Problem]:
    """What the account has against the files. Raises InputError, StoppedError where it can't be asked."""
    chosen = load_account(account, around.environ)
    keeper = make_keeper(chosen, around.directories, around.clock)
    client = WeChatClient(chosen, keeper, patience=_PATIENCE, workers=AT_ONCE)
    try:
        listed = {one.id: one for one in listed_templates(client.private_templates())}
        problems = [problem for use in uses for problem in _of_template(use, listed, chosen.name, account)]
        if audiences is not None and any(one.ready for one in audiences.each):
            problems += _of_quota(client.quota(), audiences)
            problems += _of_followers(client, audiences)
    finally:
        client.close()
    return problems


def _of_template(use: Use, listed: dict[str, Listed], name: str, account: str | None) -> Iterable[Problem]:
    """What the account `name`, asked for as `account`, says otherwise about a template."""
    found = listed.get(use.template.id)
    if found is None:
        message = _("the account {account} has no template with this id.").format(account=name)
        hint = _("It has: {titles}").format(
            titles=_(", ").join(one.title for one in listed.values()) or _("none")
        )
        yield Problem(*use.id_place, "WX610", message, hint)
        return
    changes = [
        line
        for line in difference(use.template, found, "", "")[2:]  # after its two lines of names
        if line[:1] in ("+", "-")
    ]
    if changes:
        message = _("the account's template says something else (− the file, + the account).")
        hint = _up_to_date(use, account)
        same_keywords = {keyword.name for keyword in use.template.keywords} == set(found.keywords)
        severity = Severity.WARNING if same_keywords else Severity.ERROR
        yield Problem(*use.content_place, "WX611", message, hint, severity, tuple(changes))


def _up_to_date(use: Use, account: str | None) -> str:
    """How to bring a template up to date: the command that writes the very file that was compared."""
    if use.file is None:
        return _("Write its content in the campaign as the account has it.")
    words = ["wxpush", "template", "pull", use.template.id, "--into", str(use.file.parent)]
    words += [] if account is None else ["--account", account]
    return _("Bring the file up to date: {command}").format(command=shlex.join(words))


def _of_quota(quota: Quota, audiences: Audiences) -> list[Problem]:
    """Where the day's quota doesn't cover a campaign or, if it covers each by itself, all of them."""
    several = len(audiences.each) > 1
    problems = [
        _too_many(quota, one.ready, one.keep_quota, audiences.list_name, one.campaign if several else "")
        for one in audiences.each
    ]
    if several and not any(problems):
        total, keep = sum(one.ready for one in audiences.each), max(one.keep_quota for one in audiences.each)
        together = _("the {count} campaigns together").format(count=len(audiences.each))
        problems.append(_too_many(quota, total, keep, audiences.list_name, together))
    return [problem for problem in problems if problem is not None]


def _too_many(quota: Quota, ready: int, keep: float, list_name: str, whose: str) -> Problem | None:
    left = max(0, left_to_run(quota, keep))
    if ready <= left:
        return None
    message = _("{count} messages, but today's quota leaves {left} ({kept} kept for other systems).")
    message = message.format(count=f"{ready:,}", left=f"{left:,}", kept=f"{int(quota.limit * keep):,}")
    if whose:
        message = _("{whose}: {message}").format(whose=whose, message=message)
    hint = _("It is sent over several days: `on_quota: wait`, or the same command each day.")
    return Problem(list_name, 0, 0, "WX612", message, hint, Severity.WARNING)


def _of_followers(client: WeChatClient, audiences: Audiences) -> Iterable[Problem]:
    people, following = audiences.people(), dict[str, bool]()
    for _people, answer in asked((openid for _line, openid in people), client.following):
        following |= answer
    foreign = [(line, openid) for line, openid in people if openid not in following]
    if foreign:
        message = _("{count} of {asked} people asked about aren't of this account, the first: {openid}.")
        message = message.format(count=f"{len(foreign):,}", asked=f"{len(people):,}", openid=foreign[0][1])
        hint = _("Their messages will fail with 40003. Is it the list of this account?")
        yield Problem(audiences.list_name, foreign[0][0], 0, "WX614", message, hint, Severity.WARNING)
    gone = [(line, openid) for line, openid in people if following.get(openid) is False]
    if gone:
        message = _("{gone} of {asked} people asked about don't follow the account, the first: {openid}.")
        message = message.format(gone=f"{len(gone):,}", asked=f"{len(people):,}", openid=gone[0][1])
        hint = _("Their messages will fail with 43004.")
        yield Problem(audiences.list_name, gone[0][0], 0, "WX613", message, hint, Severity.WARNING)
