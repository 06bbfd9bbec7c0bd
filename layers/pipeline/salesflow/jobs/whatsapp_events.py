"""What WhatsApp reports of messages that it had accepted, as AWS End User Messaging Social publishes it to the stack's topic.

A message of the topic holds an entry of Meta's webhook as JSON text (docs.aws.amazon.com/social-messaging, "message and event format"; Meta's
reference of the `messages` webhook, `statuses`). Everything of the account comes here, also what readers write back: of that nothing is
read, kept or logged.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, Json, ValidationError

from salesflow.delivery.addresses import Mark
from salesflow.delivery.whatsapp import shop_of
from salesflow.errors import InvalidJobEvent
from salesflow.jobs.reported import Reported
from salesflow.readers import WHATSAPP, reader

FOR_GOOD: Final = {
    131021: "the number is the sender's own",
    131026: "the number has no WhatsApp, an old one, or has not agreed to its terms",
    131050: "its reader wants no messages of businesses",
}
"""Meta's codes of errors that no repetition mends, in words."""


class _Error(BaseModel):
    code: int
    title: str = ""


class _Status(BaseModel):
    id: str
    status: str
    recipient_id: Annotated[str, Field(pattern=r"^[0-9]{7,15}$")]
    errors: list[_Error] = []
    biz_opaque_callback_data: str = ""


class _Value(BaseModel):
    statuses: list[_Status] = []


class _Change(BaseModel):
    field: str = ""
    value: Mapping[str, Any] = {}


class _Entry(BaseModel):
    changes: list[_Change]


class _Published(BaseModel):
    entry: Json[_Entry] = Field(alias="whatsAppWebhookEntry")


def whatsapp_reports(records: Any) -> Iterator[Reported]:
    """The messages that could not be delivered, of records of SNS. Raises InvalidJobEvent for what are none."""
    try:
        for record in records:
            published = _Published.model_validate_json(record["Sns"]["Message"])
            for change in published.entry.changes:
                if change.field == "messages":
                    statuses = _Value.model_validate(change.value).statuses
                    yield from (_reported(one) for one in statuses if one.status == "failed")
    except (ValidationError, KeyError, TypeError) as error:
        raise InvalidJobEvent(
            f"The event was refused: it is no report of WhatsApp ({type(error).__name__}).",
            action="The topic WhatsAppReports takes the events of AWS End User Messaging Social alone.",
        ) from None


def _reported(status: _Status) -> Reported:
    who = reader(f"{WHATSAPP}:+{status.recipient_id}")
    said = next((f"{FOR_GOOD[one.code]}, {one.code}" for one in status.errors if one.code in FOR_GOOD), None)
    codes = ", ".join(str(one.code) for one in status.errors)
    return Reported(
        f"WhatsApp failed {codes}".strip(),
        status.id,
        shop_of(status.biz_opaque_callback_data),
        (who,),
        {} if said is None else {who: (Mark.REVOKED, said)},
    )
