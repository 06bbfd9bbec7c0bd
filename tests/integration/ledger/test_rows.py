"""The state table's one codec: what is read is what was written last, all of it, whatever its size."""

import json
from decimal import Decimal

from salesflow.aws import AwsClients
from salesflow.rows import Rows
from tests.stand_ins.aws import Wire

LARGE = "x" * 300_000


def test_more_rows_than_one_answer_holds_are_all_read(clients: AwsClients, state_table: str, wire: Wire) -> None:
    """DynamoDB answers at most 1 MB at once."""
    rows = Rows(clients.dynamodb, state_table)
    for number in range(5):
        rows.put({"pk": "large", "sk": f"row-{number}", "text": LARGE})
    wire.seen.clear()
    assert [row["sk"] for row in rows.beginning_with("large", "row-")] == [f"row-{n}" for n in range(5)]
    assert [row["sk"] for row in rows.between("large", "row-1", "row-4")] == [f"row-{n}" for n in range(1, 5)]
    assert len(rows.everywhere("large")) == 5
    assert wire.operations().count("Query") > 2, "in more than one answer each"


def test_every_read_is_of_what_was_written_last(clients: AwsClients, state_table: str, wire: Wire) -> None:
    """Eventually consistent reads would let two runs of a date each see nobody at work."""
    rows = Rows(clients.dynamodb, state_table)
    rows.put({"pk": "a", "sk": "b"})
    wire.seen.clear()
    assert rows.get({"pk": "a", "sk": "b"}) is not None
    rows.between("a", "a", "c")
    rows.beginning_with("a", "b")
    rows.newest("a", 1)
    rows.everywhere("a")
    reads = [json.loads(request.body) for request in wire.seen]
    assert len(reads) == 5
    assert all(read["ConsistentRead"] is True for read in reads)


def test_a_number_that_another_release_wrote_with_decimals_is_not_cut(clients: AwsClients, state_table: str) -> None:
    clients.dynamodb.put_item(TableName=state_table, Item={"pk": {"S": "a"}, "sk": {"S": "b"}, "share": {"N": "1.5"}})
    row = Rows(clients.dynamodb, state_table).get({"pk": "a", "sk": "b"})
    assert row is not None
    assert row["share"] == Decimal("1.5")


def test_the_cloud_gives_a_row_back_as_it_was_put(clients: AwsClients, state_table: str) -> None:
    """Values of every type: moto's way of writing them into its answers is not moto's here (`local.cloud.application`)."""
    row = {
        "pk": {"S": "a"}, "sk": {"S": "b"}, "empty": {"S": ""}, "number": {"N": "1.5"}, "none": {"NULL": True},
        "bytes": {"B": b"\x00\xff"}, "several": {"BS": [b"\x01"]}, "no": {"BOOL": False}, "words": {"SS": ["c", "d"]},
        "map": {"M": {"AttributeValue": {"L": [{"S": "é"}, {"B": b"x"}, {"M": {}}, {"L": []}]}}},
    }  # fmt: skip
    clients.dynamodb.put_item(TableName=state_table, Item=row)
    got = clients.dynamodb.get_item(TableName=state_table, Key={"pk": row["pk"], "sk": row["sk"]})
    assert got["Item"] == row
    asked = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": row["pk"]}}
    assert clients.dynamodb.query(TableName=state_table, **asked)["Items"] == [row]
