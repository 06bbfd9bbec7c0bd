"""What an answer says of itself beside its list: that it failed, or that it is not the whole."""

import json
from typing import Any

import pytest

from salesflow.errors import SourceContractBroken
from salesflow.source.decode import decode_sales
from salesflow.source.envelope import Envelope
from salesflow.source.pages import FEW_PAGES, LARGE_PAGE, read_pages
from salesflow.source.sales import SalesReader

BASE = "https://api.example.com/api/v1"
PATH = "/sales/history?days=8"
CALL = f"GET {PATH}"


def sales(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [{"id": first + n, "saleDate": "2026-11-22T18:04", "totalAmount": 5.0, "items": []} for n in range(count)]


def decoded(answer: Any) -> int:
    return decode_sales(json.dumps(answer).encode(), call=CALL, minor_digits=2).records


WHOLE = [
    {"content": sales(2), "totalPages": 1, "totalElements": 2, "last": True, "number": 0, "size": 20, "empty": False},
    {"content": sales(2), "page": {"size": 2, "number": 0, "totalElements": 2, "totalPages": 1}},
    {"content": [], "totalPages": 0, "totalElements": 0, "last": True, "number": 0, "numberOfElements": 0},
    {"items": sales(2), "_links": {"self": {"href": "/x"}, "next": None}, "count": 2},
    {"data": sales(2), "links": {"first": "?page=1", "last": "?page=1", "prev": None, "next": None}, "meta": {"last_page": 1}},
    {"data": sales(2), "success": True, "error": None, "errors": [], "status": "OK", "code": 0, "message": "done"},
    {"data": sales(2), "status": 200, "code": "00000", "errorCode": "0", "errmsg": "ok", "warnings": ["slow"]},
    {"data": sales(2), "hasMore": False, "nextCursor": "", "cursor": "abc"},
    {"sales": sales(2), "total": 105.5, "currency": "CNY", "shop": {"total": 900, "status": "closed"}},
    {"sales": sales(2), "total": 2, "limit": 100, "offset": 0},
    {"result": sales(2), "pagination": {"page": 1, "pages": 1, "per_page": 2, "total": 2}},
    {"data": sales(2), "page": 0, "size": 20},
    {"data": sales(2), "message": "2 sales, no errors", "msg": "success", "remaining": 0, "eof": True, "type": "sales"},
    {"data": sales(2), "total": {"value": 2, "relation": "eq"}, "available": True, "status": 1},
    {"data": sales(2), "hasMore": "N", "nextCursor": "null", "last": 0, "success": ""},
    {"data": sales(2), "pageInfo": {"hasNextPage": False, "endCursor": "abc"}, "more_info": "https://example.com"},
    {"data": sales(2), "page": "1/1", "range": "0-1/2", "showing": "1 to 2 of 2 entries", "failed": 0, "skipped": []},
    {"data": sales(2), "period": "1/12", "records": 2, "rows": 2, "message": "Errors: 0", "note": "Aucune erreur", "msg": "没有错误"},
]  # fmt: skip


@pytest.mark.parametrize("answer", WHOLE)
def test_a_whole_list_in_its_wrapping_is_taken(answer: dict[str, Any]) -> None:
    assert decoded(answer) == sum(
        len(value) for value in answer.values() if value and isinstance(value, list) and value[0] != "slow"
    )


PARTS = [
    ({"totalPages": 2}, "one of 2 pages"),
    ({"totalPages": "25"}, "one of 25 pages"),
    ({"totalPages": 3.0}, "one of 3 pages"),
    ({"page": {"size": 2, "number": 0, "totalElements": 670, "totalPages": 335}}, "one of 335 pages"),
    ({"number": 1, "totalPages": 2}, "page 1 of 2 where page 0 was due"),
    ({"meta": {"pagination": {"total_pages": 4}}}, "one of 4 pages"),
    ({"meta": {"last_page": 4, "current_page": 1}}, "one of 4 pages"),
    ({"last": False}, "not the last"),
    ({"is_last": "false"}, "not the last"),
    ({"done": False}, "not the last"),
    ({"has_more": True}, "has_more"),
    ({"hasMore": "true"}, "hasMore"),
    ({"pageInfo": {"hasNextPage": True, "endCursor": "x"}}, "hasNextPage"),
    ({"total": 500}, "2 of 500 records"),
    ({"totalElements": 3, "totalPages": 1}, "2 of 3 records"),
    ({"total_count": "670"}, "2 of 670 records"),
    ({"count": 9, "next": "https://api.example.com/api/v1/sales/history?page=2"}, "2 of 9 records"),
    ({"next": "https://api.example.com/api/v1/sales/history?page=2"}, "another to come"),
    ({"nextPage": 2}, "another to come"),
    ({"@odata.nextLink": "/x"}, "another to come"),
    ({"_links": {"next": {"href": "/sales/history?page=1"}}}, "another to come"),
    ({"links": {"next": "/sales/history?page=1"}}, "another to come"),
    ({"links": [{"rel": "self", "href": "/"}, {"rel": "next", "href": "/sales/history?page=1"}]}, "another to come"),
    ({"nextCursor": "abc"}, "nextCursor"),
    ({"meta": {"next_token": "abc"}}, "next_token"),
    ({"cursor": "abc"}, "cursor"),
    ({"nbPages": 4}, "one of 4 pages"),
    ({"total": {"value": 500, "relation": "gte"}}, "2 of 500 records"),
    ({"totalNum": "1,500"}, "2 of 1,500 records"),
    ({"summary": {"totalItems": 9}}, "2 of 9 records"),
    ({"returned": 2, "available": 9}, "2 of 9 records"),
    ({"remaining": 7}, "7 records to come"),
    ({"eof": False}, "not the last"),
    ({"startAt": 0, "maxResults": 2}, "full page of 2 records"),
    ({"page": 1, "size": 2}, "full page of 2 records"),
    ({"offset": 0, "limit": 2}, "full page of 2 records"),
    ({"pageInfo": {"endCursor": "x"}}, "endCursor"),
    ({"list_metadata": {"after": "obj_2", "before": None}}, "after"),
    ({"additional_data": {"pagination": {"more_items_in_collection": "Y"}}}, "more_items_in_collection"),
    ({"pageMetadata": {"totalElements": 500, "totalPages": 20}}, "2 of 500 records"),
    ({"metadata": {"resultset": {"count": 500, "offset": 1, "limit": 2}}}, "2 of 500 records"),
    ({"hits": {"total": {"value": 500, "relation": "eq"}}}, "2 of 500 records"),
    ({"search_metadata": {"next_results": "?max_id=1"}}, "next_results"),
    ({"@odata.count": 500.0}, "2 of 500 records"),
    ({"totalDocs": 30, "nextPage": 2}, "2 of 30 records"),
    ({"last": "False"}, "not the last"),
    ({"done": 0}, "not the last"),
    ({"records": 670}, "2 of 670 records"),
    ({"rows": 670}, "2 of 670 records"),
    ({"from": 1, "to": 2, "of": 670}, "2 of 670 records"),
    ({"page": "1/2"}, "a part of 2 pages"),
    ({"currentPage": "Page 1 of 34"}, "a part of 34 pages"),
    ({"range": "items 0-1/670"}, "a part of 670 records"),
    ({"showing": "1 to 2 of 670 entries"}, "a part of 670 records"),
]  # fmt: skip


@pytest.mark.parametrize(("beside", "said"), PARTS)
def test_a_part_is_not_taken_for_the_whole(beside: dict[str, Any], said: str) -> None:
    with pytest.raises(SourceContractBroken, match=said) as broken:
        decoded({"content": sales(2), **beside})
    assert "page" in broken.value.message


@pytest.mark.parametrize(
    ("beside", "field"),
    [
        ({"success": False}, "success"),
        ({"success": "false", "message": "Database is down"}, "success"),
        ({"ok": 0}, "ok"),
        ({"error": "Database is down"}, "error"),
        ({"error": {"code": 17}}, "error"),
        ({"errors": ["Database is down"]}, "errors"),
        ({"errors": ["x" * 2_000_000]}, "errors"),
        ({"status": "error"}, "status"),
        ({"status": "FAILED"}, "status"),
        ({"status": 500}, "status"),
        ({"meta": {"status": 503}}, "status"),
        ({"code": "INTERNAL_ERROR", "message": "?", "details": None}, "code"),
        ({"code": 401}, "code"),
        ({"errcode": 40001, "errmsg": "invalid credential"}, "errcode"),
        ({"partial": True}, "partial"),
        ({"truncated": True}, "truncated"),
        ({"incomplete_results": True}, "incomplete_results"),
        ({"complete": False}, "complete"),
        ({"status": "500 Internal"}, "status"),
        ({"status": False}, "status"),
        ({"status": "processing"}, "status"),
        ({"statusCode": 206}, "statusCode"),
        ({"ret": -1}, "ret"),
        ({"type": "error"}, "type"),
        ({"limitReached": True}, "limitReached"),
        ({"code": 1, "msg": "failure"}, "msg"),
        ({"message": "Database connection lost"}, "message"),
        ({"warnings": ["Database: truncated to 20 rows"]}, "warnings"),
        ({"success": "N"}, "success"),
        ({"truncatedAt": 20}, "truncatedAt"),
        ({"skippedRecords": 3}, "skippedRecords"),
        ({"omitted": 650}, "omitted"),
        ({"message": "Error: no answer of the Database"}, "message"),
        ({"message": "Erreur interne : pas de Database"}, "message"),
        ({"message": "错误：无法连接Database"}, "message"),
        ({"message": "Hitilafu ya Database"}, "message"),
        ({"status": "degraded"}, "status"),
        ({"title": "Service Unavailable", "instance": "/sales"}, "title"),
    ],
)
def test_an_error_with_an_empty_list_is_no_day_without_sales(beside: dict[str, Any], field: str) -> None:
    with pytest.raises(SourceContractBroken, match=rf"failed or is incomplete \(`{field}`\)") as broken:
        decoded({"data": [], **beside})
    assert "Database" not in broken.value.message  # what the server sent stays out of messages


def test_an_error_without_a_list_says_so() -> None:
    with pytest.raises(SourceContractBroken, match=r"does not hold one list .* says that the call failed \(`code`\)"):
        decoded({"code": "NOT_FOUND", "message": "?"})


class Pages:
    """A server that answers each path with one body; `asked` is what it was asked for."""

    def __init__(self, answers: dict[str, Any], headers: dict[str, dict[str, str]] | None = None) -> None:
        self.answers, self.headers, self.asked = answers, headers or {}, list[str]()
        self.reader = SalesReader(CALL, minor_digits=2)

    def __call__(self, path: str) -> Envelope:
        self.asked.append(path)
        return self.reader.read([json.dumps(self.answers[path]).encode()], self.headers.get(path, {}))

    def read(self) -> list[int]:
        read_pages(self, PATH, call=CALL, base_url=BASE, forget=self.reader.forget)
        return self.reader.batch().lines["sale_id"].tolist()


def spring(number: int, pages: int, size: int, total: int, nested: bool) -> dict[str, Any]:
    says = {"size": size, "number": number, "totalElements": total, "totalPages": pages}
    content = sales(min(size, total - number * size), number * size)
    return {"content": content, "page": says} if nested else {"content": content, **says, "last": number + 1 == pages}


@pytest.mark.parametrize("nested", [True, False])
def test_springs_pages_are_followed(nested: bool) -> None:
    answers = {f"{PATH}&page={n}": spring(n, 3, 4, 10, nested) for n in range(1, 3)}
    server = Pages({PATH: spring(0, 3, 4, 10, nested), **answers})
    assert server.read() == list(range(10))
    assert server.asked == [PATH, f"{PATH}&page=1", f"{PATH}&page=2"]


def test_many_pages_are_asked_for_in_larger_ones() -> None:
    total = 20 * (FEW_PAGES + 1)
    larger = {f"{PATH}&size={LARGE_PAGE}&page={n}": spring(n, 2, total // 2, total, nested=True) for n in range(2)}
    server = Pages({PATH: spring(0, FEW_PAGES + 1, 20, total, nested=True), **larger})
    assert server.read() == list(range(total))
    assert server.asked == [PATH, *larger]


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ({"next": f"{BASE}/sales/history?days=8&page=2"}, "/sales/history?days=8&page=2"),
        ({"links": {"next": "/api/v1/sales/history?cursor=x%2F"}}, "/sales/history?cursor=x%2F"),
        ({"_links": {"next": {"href": "?days=8&page=1"}}, "total": 5}, "/sales/history?days=8&page=1"),
        ({"meta": {"last_page": 2, "current_page": 1}, "next_page_url": f"{BASE}/s?page=2"}, "/s?page=2"),
    ],
)
def test_links_to_the_next_page_are_followed(link: dict[str, Any], path: str) -> None:
    last = {"data": sales(2, 3), "next": None, "meta": {"last_page": 2, "current_page": 2}, "total": 5}
    server = Pages({PATH: {"data": sales(3), **link}, path: last})
    assert server.read() == list(range(5))


def test_a_link_in_the_headers_of_a_bare_list_is_followed() -> None:
    link = f'<{BASE}/s?page=1>; rel="prev", <{BASE}/sales/history?days=8&page=2>; rel="next"'
    server = Pages(
        {PATH: sales(3), "/sales/history?days=8&page=2": sales(2, 3)},
        {PATH: {"Link": link, "X-Total-Count": "5"}, "/sales/history?days=8&page=2": {"X-Total-Count": "5"}},
    )
    assert server.read() == list(range(5))


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Total-Count": "500"},
        {"X-Total-Pages": "3"},
        {"X-Next-Page": "2"},
        {"Link": '<https://other.example.com/api/v1/s?page=2>; rel="next"'},
        {"link": "</s?page=0>; rel=first, <https://other.example.com/s?page=2>; title='a, b'; rel='last next'"},
        {"X-WP-Total": "500", "X-WP-TotalPages": "3"},
        {"Pagination-Total-Count": "1,500"},
        {"Total-Count": "500"},
        {"Next-Cursor": "abc"},
        {"Content-Range": "items 0-2/500"},
        {"X-Pagination": '{"TotalCount": 500, "PageSize": 3, "HasNext": true}'},
    ],
)
def test_headers_that_say_there_is_more_are_believed(headers: dict[str, str]) -> None:
    with pytest.raises(SourceContractBroken, match="page is not taken for the whole"):
        Pages({PATH: sales(3)}, {PATH: headers}).read()


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Range": "items 0-2/3", "X-Total-Count": "3", "X-Has-More": "false"},
        {"Content-Range": "items 0-2/*", "X-Next-Page": ""},
        {"Link": '<https://api.example.com/a.css>; rel="nextstyle", </s?page=1>; rel="last"'},
        {"X-Pagination": '{"TotalCount": 3, "HasNext": false}', "X-RateLimit-Remaining": "59", "X-Query-Count": "7"},
    ],
)
def test_headers_that_say_nothing_of_more_do_no_harm(headers: dict[str, str]) -> None:
    assert Pages({PATH: sales(3)}, {PATH: headers}).read() == [0, 1, 2]


def test_a_header_that_says_the_list_was_cut_is_believed() -> None:
    with pytest.raises(SourceContractBroken, match=r"in its headers .* incomplete \(`X-Truncated`\)"):
        Pages({PATH: sales(3)}, {PATH: {"X-Truncated": "true"}}).read()


@pytest.mark.parametrize(
    "address",
    [
        "https://other.example.com/api/v1/sales/history?page=2",
        "http://api.example.com/api/v1/sales/history?page=2",
        "https://api.example.com.evil.org/api/v1/s",
        "https://api.example.com@evil.org/api/v1/s",
        "//evil.org/api/v1/s",
        "/api/v2/sales",
        "/api/v1/../../admin",
        "/api/v1",
    ],
)
def test_no_link_leads_away_from_the_api(address: str) -> None:
    server = Pages({PATH: {"data": sales(1), "next": address}})
    with pytest.raises(SourceContractBroken, match="another to come"):
        server.read()
    assert server.asked == [PATH]


def test_pages_that_do_not_go_on_are_refused() -> None:
    same = {"content": sales(2), "number": 0, "totalPages": 3}
    with pytest.raises(SourceContractBroken, match="page 0 of 3 where page 1 was due"):
        Pages({PATH: same, f"{PATH}&page=1": same}).read()
    circle = {"data": sales(2), "next": f"{BASE}{PATH}"}
    with pytest.raises(SourceContractBroken, match="another to come"):
        Pages({PATH: circle}).read()
    short = {"content": sales(1, 2), "number": 1, "totalPages": 2, "totalElements": 4}
    with pytest.raises(SourceContractBroken, match="3 of 4 records"):
        Pages({PATH: {"content": sales(2), "number": 0, "totalPages": 2}, f"{PATH}&page=1": short}).read()
    failed = {"content": [], "number": 1, "totalPages": 2, "success": False}
    with pytest.raises(SourceContractBroken, match="success"):
        Pages({PATH: {"content": sales(2), "number": 0, "totalPages": 2}, f"{PATH}&page=1": failed}).read()
