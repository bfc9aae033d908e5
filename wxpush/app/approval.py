"""What somebody has approved, and that nothing else is sent."""

import re

from wxpush.app.material import Material
from wxpush.app.request import SendRequest
from wxpush.delivery.run import RunCard
from wxpush.errors import InputError
from wxpush.i18n import _


def refuse_unapproved(request: SendRequest, material: Material) -> None:
    """See that what is sent is what somebody approved, as what and from where. Raises InputError."""
    if request.approved is None:
        return
    if _letters(request.approved) != _letters(material.approval_code):
        raise InputError(
            _("--approved {code}: campaign, template or list are not those that were approved.").format(
                code=request.approved
            ),
            _("Look at them again: wxpush preview. What lies here now has the code {code}.").format(
                code=material.approval_code
            ),
        )
    campaign = material.campaign
    _refuse_other("--run", "name", request.run, campaign.name)
    _refuse_other("--account", "account", request.account, campaign.account)


def _refuse_other(option: str, key: str, asked: str | None, approved: str | None) -> None:
    """Another run sends the same people the same again, and another account is another sender."""
    if asked is not None and asked != approved:
        raise InputError(
            _("{option} {value}: that isn't what was approved; the campaign says otherwise.").format(
                option=option, value=asked
            ),
            _("Leave {option} out, or write `{key}: {value}` into the campaign and preview it again.").format(
                option=option, key=key, value=asked
            ),
        )


def _letters(code: str) -> str:
    return re.sub(r"[\s-]", "", code).upper()


def refuse_claims(request: SendRequest, card: RunCard | None, material: Material, claims: int) -> None:
    """See that no message of an earlier call goes first that was not approved. Raises InputError."""
    code = material.approval_code
    if request.approved is not None and claims and (card is None or card.approved != code):
        raise InputError(
            _("--approved: an earlier call left messages that nobody approved, and they would go first."),
            _("Let it end without --approved, or decide about them: wxpush runs settle"),
        )
