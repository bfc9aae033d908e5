"""What somebody has approved, and that nothing else is sent."""

import re

from wxpush.app.material import Material
from wxpush.app.request import SendRequest
from wxpush.delivery.run import RunCard
from wxpush.errors import InputError
from wxpush.i18n import _


def refuse_unapproved(request: SendRequest, material: Material) -> None:
    """See that what is sent is what somebody approved. Raises InputError."""
    if request.approved is not None and _letters(request.approved) != _letters(material.approval_code):
        raise InputError(
            _("--approved {code}: campaign, template or list are not those that were approved.").format(
                code=request.approved
            ),
            _("Look at them again: wxpush preview. What lies here now has the code {code}.").format(
                code=material.approval_code
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
