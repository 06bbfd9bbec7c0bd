"""What is kept of each named channel: where a message goes, and what proves that it is ours.

Each shop, `main` among them, has a row a channel under its own leading key (`channel`, the name) with a JSON object sealed for that shop
(`salesflow.shops.sealed`), so that no run of one shop reads another's:

    slack:shop     {"url": "https://hooks.slack.com/services/..."}
    teams:office   {"url": "https://..."}
    discord:shop   {"url": "https://discord.com/api/webhooks/..."}
    telegram:shop  {"token": "123456:ABC...", "chat": "-1001234567890"}
    webhook:erp    {"url": "https://erp.example.com/salesflow", "key": "whsec_..."}
    whatsapp       {"phone": "phone-number-id-...", "template": "salesflow_report", "language": "en"}

Nothing of it is ever shown: errors name the channel and the field.
"""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from salesflow.errors import SalesFlowError
from salesflow.readers import HOOKS, WHATSAPP, kind_of, reader
from salesflow.rows import Row, Rows
from salesflow.setting_types import ADDRESS_OF_A_SERVER, like
from salesflow.settings import problems_of
from salesflow.shops.sealed import opened, seal
from salesflow.stored import json_object

KEY_PREFIX: Final = "whsec_"
"""What a signing key begins with, as in Standard Webhooks."""
_PARTITION: Final = "channel"
_OPENS_FOR_NOBODY: Final = {"InvalidCiphertextException", "IncorrectKeyException"}
_LEAST_KEY_BYTES, _MOST_KEY_BYTES = 24, 64

_Url = Annotated[
    str,
    Field(max_length=2000),
    like(
        rf"{ADDRESS_OF_A_SERVER}(/[^\s#]*)?", "must be an https address (http only to this machine), without a fragment"
    ),
]


def signing_key(value: str) -> bytes:
    """The bytes of a key such as whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw; raises ValueError."""
    try:
        key = base64.b64decode(value.removeprefix(KEY_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not value.startswith(KEY_PREFIX) or not _LEAST_KEY_BYTES <= len(key) <= _MOST_KEY_BYTES:
        raise ValueError(f"must be {KEY_PREFIX} and {_LEAST_KEY_BYTES} to {_MOST_KEY_BYTES} bytes in base64")
    return key


def _checked_key(value: str) -> str:
    signing_key(value)
    return value


class Way(BaseModel):
    """A channel of a chat: its address is all that it takes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: _Url = Field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may stand in no log, row or mail."""
        return (self.url, self.url.rpartition("/")[2].partition("?")[0])


class ProgramWay(Way):
    """A program, which checks the signature."""

    key: Annotated[str, AfterValidator(_checked_key)] = Field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may stand in no log, row or mail."""
        return (*super().secrets, self.key, self.key.removeprefix(KEY_PREFIX))


class TelegramWay(Way):
    """A bot and the chat that it writes into."""

    url: _Url = Field(default="https://api.telegram.org", repr=False)
    token: Annotated[
        str, like(r"[0-9]{3,20}:[A-Za-z0-9_-]{20,80}", "must be a bot's token such as 123456:ABC-DEF...")
    ] = Field(repr=False)
    chat: Annotated[str, like(r"-?[0-9]{1,20}|@[A-Za-z0-9_]{3,40}", "must be a chat's number or @name")]

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may stand in no log, row or mail."""
        return (self.token, self.token.partition(":")[2])


class WhatsAppWay(BaseModel):
    """The shop's WhatsApp number and its registered templates. document_template: one whose header is a document, for the PDF."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    phone: Annotated[
        str, like(r"phone-number-id-[0-9a-f]{8,64}|arn:[^\s]{1,200}", "must be phone-number-id-... or its ARN")
    ]
    template: Annotated[str, like(r"[a-z0-9_]{1,512}", "must be the name of a template")]
    document_template: Annotated[str, like(r"[a-z0-9_]{0,512}", "must be the name of a template")] = ""
    language: Annotated[str, like(r"[a-z]{2,3}(_[A-Z]{2})?", "must be a language such as fr or en_US")] = "en"


_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    **dict.fromkeys(HOOKS, Way),
    "telegram": TelegramWay,
    "webhook": ProgramWay,
    WHATSAPP: WhatsAppWay,
}


class UnusableWay(SalesFlowError):
    """Nothing usable is kept of a channel."""


class WaysUnreadable(SalesFlowError):
    """What is kept of the channels cannot be read."""


def _channel_of(who: str) -> str:
    return WHATSAPP if who == WHATSAPP or kind_of(who) == WHATSAPP else who


def checked_way(who: str, said: object) -> Any:
    """A channel as it is kept (`Way`, `ProgramWay`, `TelegramWay`, `WhatsAppWay`). Raises UnusableWay."""
    channel = _channel_of(who)
    try:
        return _MODELS[channel.partition(":")[0]].model_validate(said)
    except ValidationError as error:
        problems = "; ".join(f"{name or 'it'} {problem}" for name, problem in problems_of(error))
    raise UnusableWay(
        f"The channel {channel} cannot be used: {problems}.",
        action=f"Set it anew: salesflow-ops channels set {channel}.",
    )


def is_named(name: str) -> bool:
    """Whether a channel can have this name."""
    try:
        return name == WHATSAPP or (reader(name) == name and kind_of(name) in HOOKS)
    except ValueError:
        return False


def fields_of(name: str) -> list[tuple[str, bool, str]]:
    """What has to be said of a channel: each field, whether it is shown to nobody, and what it is where nothing is said."""
    model = _MODELS[name.partition(":")[0]]
    return [
        (field, not info.repr, "" if info.is_required() else str(info.default))
        for field, info in model.model_fields.items()
    ]


class SealedWays:
    """The channels of a shop, in rows of its own. key_id: what seals, which nobody needs who only reads."""

    def __init__(self, rows: Rows, kms: Any, key_id: str = "") -> None:
        self._rows = rows
        self._kms = kms
        self._key_id = key_id

    def read(self) -> Mapping[str, object]:
        """What the rows say; None of a channel whose row opens for nobody: the others can be used."""
        try:
            rows = self._rows.between(_PARTITION, "a", "~")
            return {row["sk"]: self._opened(row) for row in rows}
        except (SalesFlowError, ClientError, BotoCoreError) as error:
            raise WaysUnreadable(
                f"The channels of the shop {self._rows.shop} could not be read: {error}.",
                action="Check the state table, the stack's key ShopsKey, and that the function's role may use both.",
            ) from error

    def keep(self, name: str, said: object) -> None:
        """Seal it for the shop. Raises NotSealed, LedgerUnavailable."""
        text = json.dumps(said, sort_keys=True)
        self._rows.put({**_key(name), "sealed": seal(self._kms, self._key_id, self._rows.shop, text)})

    def forget(self, name: str) -> None:
        """Delete its row. Raises LedgerUnavailable."""
        self._rows.delete(_key(name))

    def _opened(self, row: Row) -> object:
        try:
            return json_object(opened(self._kms, self._rows.shop, row.get("sealed")) or "")
        except ClientError as error:
            if error.response["Error"]["Code"] in _OPENS_FOR_NOBODY:
                return None
            raise


class Ways:
    """The channels of one shop, read once for each message."""

    def __init__(self, kept: SealedWays) -> None:
        self._kept = kept
        self._said: Mapping[str, object] | None = None

    def begin(self) -> None:
        """Read them for the next message, before its first reader: nothing is read between a look at the clock and what is sent after it."""
        self._said = None
        with suppress(WaysUnreadable):  # read once more for whoever needs them, who says so
            self._said = self._kept.read()

    def of(self, who: str) -> Any:
        """The channel of a reader. Raises UnusableWay, WaysUnreadable."""
        if self._said is None:
            self._said = self._kept.read()
        channel = _channel_of(who)
        if channel not in self._said:
            raise UnusableWay(
                f"No channel {channel} is set up.", action=f"Set it up: salesflow-ops channels set {channel}."
            )
        return checked_way(channel, self._said[channel])


def _key(name: str) -> dict[str, str]:
    return {"pk": _PARTITION, "sk": name}
