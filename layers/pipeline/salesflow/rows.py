"""The state table as rows of plain Python values, and DynamoDB's failures as the ledger's own."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

import salesflow
from salesflow.errors import SalesFlowError
from salesflow.shop_id import MAIN_SHOP, is_shop_id, partition_prefix
from salesflow.stored import RELEASE

type Row = dict[str, Any]

RETENTION = timedelta(days=400)
"""How long rows stay in the table after they were last written, unless what they say holds for good."""


def expires_at(moment: datetime) -> int:
    """The TTL of a row written at `moment`, in Unix seconds."""
    return int((moment + RETENTION).timestamp())


class LedgerUnavailable(SalesFlowError):
    """DynamoDB could not be reached, kept failing, or refused the call; what it said is in the message."""


class ConditionFailed(Exception):
    """A conditional write found a row that it may not change; `row` is that row, None where there is none."""

    def __init__(self, row: Row | None) -> None:
        super().__init__("the row does not meet the condition")
        self.row = row


class Rows:
    """Reads and conditional writes on one shop's rows of a table with the partition key `pk` and the sort key `sk`.

    A shop's id stands before its partition keys in the table alone: callers neither give nor see it. Text in a condition is not touched.
    Values are str, int, bool, None, and lists and mappings of them; what another hand wrote may be a Decimal, bytes or a list
    of text as well. Each row that is written says which release wrote it. Reads are strongly consistent. Every method raises
    LedgerUnavailable where DynamoDB does not do its part.
    """

    def __init__(self, client: Any, table: str, shop: str = MAIN_SHOP) -> None:
        self._client = client
        self._prefix = partition_prefix(shop)
        self.table = table
        self.shop = shop

    def get(self, key: Mapping[str, str]) -> Row | None:
        """One row, or None."""
        answer = self._call("get_item", Key=_encode_row(self._shop_s(key)), ConsistentRead=True)
        return self._row(answer["Item"]) if "Item" in answer else None

    def put(self, row: Row) -> None:
        """Write a row, whatever was there."""
        self._call("put_item", Item=self._written(row))

    def put_if(self, row: Row, condition: str, values: Row) -> None:
        """Write a row if `condition` holds; raises ConditionFailed otherwise."""
        given = _encode_row({f":{name}": value for name, value in values.items()})
        self._call(
            "put_item",
            Item=self._written(row),
            ConditionExpression=condition,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **({"ExpressionAttributeValues": given} if given else {}),
        )

    def update_if(
        self,
        key: Mapping[str, str],
        condition: str,
        values: Row,
        *,
        change: Row,
        remove: Sequence[str] = (),
    ) -> Row | None:
        """Set the attributes in `change` and drop those in `remove`, if `condition` holds.

        Returns the row as it was before, None where there was none. In the condition `#status` stands for the attribute
        status (a reserved word) and `:name` for `values["name"]`. Raises ConditionFailed with the present row otherwise.
        """
        change = {**change, RELEASE: salesflow.__version__}
        names = {f"#set_{name}": name for name in change} | {f"#drop_{name}": name for name in remove}
        given = {f":{name}": value for name, value in values.items()}
        given |= {f":set_{name}": value for name, value in change.items()}
        expression = "SET " + ", ".join(f"#set_{name} = :set_{name}" for name in change)
        if remove:
            expression += " REMOVE " + ", ".join(f"#drop_{name}" for name in remove)
        if "#status" in condition:
            names["#status"] = "status"
        answer = self._call(
            "update_item",
            Key=_encode_row(self._shop_s(key)),
            UpdateExpression=expression,
            ConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=_encode_row(given),
            ReturnValues="ALL_OLD",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return self._row(answer["Attributes"]) if answer.get("Attributes") else None

    def delete(self, key: Mapping[str, str]) -> None:
        """Delete a row; one that is not there is deleted already."""
        self._call("delete_item", Key=_encode_row(self._shop_s(key)))

    def between(self, pk: str, first: str, last: str) -> list[Row]:
        """All rows of a partition whose sort key lies between `first` and `last`, both included, in order."""
        return self._query(
            "pk = :pk AND sk BETWEEN :first AND :last", {":pk": self._prefix + pk, ":first": first, ":last": last}
        )

    def beginning_with(self, pk: str, prefix: str) -> list[Row]:
        """All rows of a partition whose sort key begins with `prefix`, in order."""
        return self._query("pk = :pk AND begins_with(sk, :prefix)", {":pk": self._prefix + pk, ":prefix": prefix})

    def newest(self, pk: str, limit: int) -> list[Row]:
        """The rows of a partition with the highest sort keys, these first: at most `limit`, and what one answer holds (1 MB)."""
        answer = self._call(
            "query",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=_encode_row({":pk": self._prefix + pk}),
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=limit,
        )
        if "Items" not in answer:
            raise self._unavailable("query", ValueError("the answer has no Items"))
        return [self._row(item) for item in answer["Items"]]

    def everywhere(self, partitions: str, first: str = "", last: str = "") -> list[Row]:
        """All rows of the partitions whose key begins with `partitions`, in no order; where `first` and `last` are given, those
        whose sort key lies between them.

        It reads the whole table: for an operator who looks something up, not for a job.
        """
        return self._scan({"begins_with(pk, :partitions)": {":partitions": self._prefix + partitions}}, first, last)

    def of_all_shops(self, first: str, last: str) -> list[tuple[str, Row]]:
        """All rows of the whole table whose sort key lies between `first` and `last`, in no order, each with the shop whose it is.

        For an operator, as `everywhere`.
        """
        if self._prefix:
            raise ValueError(f"the rows of the shop {self.shop} are not all")
        found = []
        for row in self._scan({}, first, last):
            shop, bar, own = row["pk"].partition("|")
            is_other_s = bool(bar) and is_shop_id(shop)
            found.append((shop, row | {"pk": own}) if is_other_s else (MAIN_SHOP, row))
        return found

    def _scan(self, condition: Mapping[str, Row], first: str, last: str) -> list[Row]:
        wanted = {
            **condition,
            **({"sk BETWEEN :first AND :last": {":first": first, ":last": last}} if first or last else {}),
        }
        values = {name: value for given in wanted.values() for name, value in given.items()}
        return self._pages("scan", {"FilterExpression": " AND ".join(wanted)}, values)

    def _query(self, condition: str, values: Row) -> list[Row]:
        return self._pages("query", {"KeyConditionExpression": condition}, values)

    def _pages(self, operation: str, condition: Mapping[str, str], values: Row) -> list[Row]:
        rows: list[Row] = []
        page: dict[str, Any] = {}
        while True:
            answer = self._call(
                operation,
                **condition,
                ExpressionAttributeValues=_encode_row(values),
                ConsistentRead=True,
                **page,
            )
            if "Items" not in answer:  # an answer that lost its body must not pass for "nothing there"
                raise self._unavailable(operation, ValueError("the answer has no Items"))
            rows.extend(self._row(item) for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return rows
            page = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(TableName=self.table, **parameters)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                found: Any = error.response.get("Item")
                raise ConditionFailed(self._row(found) if found else None) from None
            raise self._unavailable(operation, error) from error
        except BotoCoreError as error:
            raise self._unavailable(operation, error) from error
        return answer

    def _shop_s(self, key: Mapping[str, Any]) -> dict[str, Any]:
        """A key, or a row, as the table has it."""
        return {**key, "pk": self._prefix + key["pk"]}

    def _written(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row as it is stored: it says which release wrote it."""
        return _encode_row({**self._shop_s(row), RELEASE: salesflow.__version__})

    def _row(self, item: Mapping[str, Any]) -> Row:
        row = _decode_row(item)
        if "pk" in row:
            row["pk"] = row["pk"].removeprefix(self._prefix)
        return row

    def _unavailable(self, operation: str, error: Exception) -> LedgerUnavailable:
        return LedgerUnavailable(
            f"The state table {self.table} could not be used ({operation}): {error}.",
            action="Check that the table exists, that the function's role may use it, and DynamoDB's health; then retry.",
        )


def _encode_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _encode(value) for name, value in row.items()}


def _encode(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            # Half a pair of UTF-16, which a name or an error may hold, is no text: DynamoDB refuses the whole row for it.
            return {"S": str(value).encode("utf-8", "replace").decode()}
        case Mapping():
            return {"M": _encode_row(value)}
        case Sequence():
            return {"L": [_encode(item) for item in value]}
        case _:
            raise TypeError(f"A {type(value).__name__} has no place in the state table.")


def _decode_row(row: Mapping[str, Any]) -> Row:
    return {name: _decode(value) for name, value in row.items()}


def _decode(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "NULL":
            return None
        case "N":
            number = Decimal(content)
            return int(number) if number == number.to_integral_value() else number
        case "M":
            return _decode_row(content)
        case "L":
            return [_decode(item) for item in content]
        case _:
            return content
