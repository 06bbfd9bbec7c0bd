"""A shop's settings in the state table: one row a version, the newest is what the next run reads.

A version is written under its own key, on the condition that nobody wrote it: of two who change what they both saw, one is refused. What
was before stays as it is, which is the history of who changed what and when.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Annotated, Any, Final

from pydantic import TypeAdapter, ValidationError

from salesflow import clock
from salesflow.errors import InvalidJobEvent, SalesFlowError
from salesflow.readers import reader
from salesflow.rows import ConditionFailed, Row, Rows
from salesflow.settings import Settings, ShopSettings, Stored, problems_of
from salesflow.shop_id import MAIN_SHOP
from salesflow.stored import reading

PARTITION: Final = "settings"


class SettingsChanged(SalesFlowError):
    """Somebody else changed the shop's settings since they were read; nothing was written."""


class NoSuchShop(InvalidJobEvent):
    """The stack has no shop of that name: there is no row of its settings."""


@dataclass(frozen=True, slots=True)
class Version:
    """What a shop's row says in one of its versions: `values` by the settings' names. Version 0, of which there is no row, says nothing.

    changed: the names that this version changed; by: who did it, as AWS knows them; at: aware.
    """

    number: int = 0
    values: Mapping[str, Stored] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    by: str = ""
    at: datetime | None = None

    def settings(self, shop: str, stack: Settings) -> Settings:
        """What a run of a shop works with: what this version says, else the defaults; for `main` what the stack's environment says.

        Raises NoSuchShop for another shop without a row, InvalidSettings.
        """
        if shop == MAIN_SHOP:
            return stack.overlaid(self.values, f"Version {self.number} of the shop's settings")
        if not self.number:
            raise NoSuchShop(
                f"The event was refused and nothing was run: shop {shop!r}: this stack has no such shop.",
                action="Correct the event, or add the shop (salesflow-ops shops add); `salesflow-ops shops list` names those that there are.",
            )
        return stack.of_shop(self.values, f"Version {self.number} of the settings of the shop {shop}")


class SettingsBook:
    """The versions of a shop's settings, in its own rows.

    Raises LedgerUnavailable where DynamoDB does not do its part, UnreadableRow for a row that holds no version.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def newest(self) -> Version:
        """The version that holds. One call."""
        found = self.history(1)
        return found[0] if found else Version()

    def history(self, most: int) -> list[Version]:
        """The newest versions, the last one first."""
        return [_version(row) for row in self._rows.newest(PARTITION, most)]

    def write(self, values: Mapping[str, Stored], *, over: Version, by: str) -> Version:
        """Put these values in the place of those of a version; answers the new version, or that one where nothing differs.

        Raises SettingsChanged where it is not the newest by now.
        """
        names = over.values.keys() | values.keys()
        changed = tuple(sorted(name for name in names if over.values.get(name) != values.get(name)))
        if not changed:
            return over
        at = clock.now().astimezone(UTC)
        new = Version(over.number + 1, values, changed, by, at)
        row: Row = {
            "pk": PARTITION,
            "sk": f"{new.number:010d}",
            "values": {name: values[name] for name in sorted(values)},
            "changed": list(changed),
            "changed_by": by,
            "changed_at": at.isoformat(timespec="microseconds"),
        }
        try:
            self._rows.put_if(row, "attribute_not_exists(pk)", {})
        except ConditionFailed as failed:
            there = failed.row or {}
            if any(there.get(name) != said for name, said in row.items()):
                raise SettingsChanged(
                    f"Somebody else wrote version {new.number} of the settings of the shop {self._rows.shop} meanwhile; nothing was changed.",
                    action="Look at them (salesflow-ops settings history), then set it again.",
                ) from None
            # The write took effect though its answer was lost, and the SDK repeated it.
        return new


def _version(row: Row) -> Version:
    with reading(row):
        values = row["values"]
        if not isinstance(values, Mapping):
            raise TypeError("values is no mapping")
        return Version(
            number=int(row["sk"]),
            values=values,
            changed=tuple(row.get("changed", ())),
            by=str(row.get("changed_by", "")),
            at=datetime.fromisoformat(row["changed_at"]),
        )


def checked(name: str, value: Stored) -> Stored:
    """The value of a shop's setting as its row is to hold it; raises ValueError that says what is wrong with it.

    What is written is judged more strictly than what is read: each recipient has to be one that can be told.
    """
    described = ShopSettings.model_fields[name]
    try:
        found: Any = TypeAdapter(Annotated[described.annotation, described]).validate_python(value)
    except ValidationError as error:
        raise ValueError("; ".join(problem for _, problem in problems_of(error))) from None
    if name.endswith("_recipients"):
        for addresses in found.values() if isinstance(found, Mapping) else (found,):
            for address in addresses:
                reader(address)
    return as_stored(found)


def as_stored(value: object) -> Stored:
    """A setting's value as a row holds it."""
    match value:
        case time():
            return f"{value:%H:%M}"
        case float():
            return str(int(value)) if value.is_integer() else str(value)
        case tuple() | list():
            return [str(part) for part in value]
        case Mapping():
            return {str(name): [str(part) for part in parts] for name, parts in value.items()}
        case _:
            return str(value)
