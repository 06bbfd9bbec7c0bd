"""What an answer says of itself: where its list is, whether that is the whole, and whether the call failed.

Deployments put objects around lists, frameworks change theirs between versions, and proxies and gateways add their own.
So everything beside the list is read: a claim that there is more, or that something failed, is never passed over.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from salesflow.source.refusals import broken, unreadable

NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

LISTS = ("data", "content", "items", "sales", "result")
_FIRST_CHARACTER = re.compile(rb"[ \t\r\n]*([\x00-\xff]?)")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_NOT_FINITE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|(-?)(?:NaN|Infinity)(?!\w)', re.DOTALL)
_AT_BYTE = re.compile(r"\(byte (\d+)\)")
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_RELATIONS = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"',;]+))", re.IGNORECASE)
_HOW_FAR = re.compile(r"\D*?(?:\d+\s*(?:-|–|to)\s*)?[\d*]+\s*(?:/|of)\s*(\d+)\D*")
"""`1/34`, `Page 1 of 34`, `items 0-19/670`, `*/670`: the number after the stroke is where it ends."""
_BEFORE_A_CLAIM = re.compile(r"(?:(?:x|wp|pagination|paging|paginator|page|list|collection|results?)-)+", re.IGNORECASE)
_BY_THOUSANDS = re.compile(r"(?<=\d)[,' ](?=\d{3}(?!\d))")
_LARGEST_CLAIM = 1 << 20
_LONGEST_NAME = 40
_DEEPEST = 3


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CONTAINER = re.compile(
    r"page|pagi|meta|cursor|link|response|result|header|hits|info$|summary$|stats$|^(?:pager|status|state|head|extra)$|^additional"
)
"""What objects are called that speak of the answer and not of the shop."""
_FALSE_IS_FAILURE = _words("success succeeded successful issuccess issuccessful ok isok complete iscomplete")
_TRUE_IS_FAILURE = _words(
    "isfailed failure iserror haserror haserrors partial ispartial istruncated incomplete isincomplete "
    "incompleteresults timedout limitexceeded limitreached limited capped overlimit degraded"
)
_LEFT_OUT = re.compile(
    r"(?:failed|truncated|omitted|skipped|dropped|missing|unread|lost)(?:count|records|rows|items|sales|results|entries|at|after)?"
)
"""What is called so and is set, or is not zero, did not come."""
_FILLED_IS_FAILURE = _words(
    "error errors exception exceptions fault faults failures errorcode errorcodes errormessage errormessages errordescription "
    "errordetails errormsg errmsg errcode errno"
)
_STATUSES = _words(
    "status state statuscode httpstatus code resultcode returncode responsecode retcode ret outcome result response type"
)
_BAD_STATUS = re.compile(
    r"error|fail|denied|invalid|exception|time.?out|unavailable|unauthor|forbidden|not.?found|reject|abort|partial|incomplete|"
    r"pending|processing|queued|running|in.?progress|degraded|truncated|stale|maintenance|offline|^[3-9]\d\d\b|^ko$|^nok$"
)
_PARTIAL_CONTENT = 206
_SPOKEN = _words(
    "message messages msg warning warnings notice notices note notes description detail details reason title"
)
_WRONG = (
    r"(?:\b(?:errors?|fail(?:ed|ure)|exception|unavailable|denied|timed? ?out|lost|truncated|limited to|limit (?:reached|exceeded)|"
    r"incomplete|partial|too many|only the first|is down|stale|degraded|erreurs?|échec|échoué|indisponible|interrompue?|tronquée?|"
    r"hitilafu|imeshindwa|imeshindikana|libunga)\b|错误|失败|异常|超时|不可用)"
)
_BAD_NEWS = re.compile(_WRONG)
_GOOD_NEWS = re.compile(
    rf"\b(?:no|0|zero|without|not|sans|aucune?|pas d['’e]|hakuna|bila)\s*(?:\w+\s+)?{_WRONG}|[无没]有?{_WRONG}|{_WRONG}\s*[:=：]?\s*(?:0|none)\b"
)
_NO_ERROR = frozenset({"", "0", "none", "null", "ok", "success", "no", "false", "no error"})

_TRUE_IS_MORE = _words(
    "hasmore hasnext hasnextpage hasmorepages hasmoreresults hasmoreitems hasmorerecords hasmoredata more morepages moreavailable "
    "moreresults moreresultsavailable morerecords moreitems moredata moredataavailable moreitemsincollection ismore"
)
_FALSE_IS_MORE = _words(
    "last islast lastpage islastpage done isdone finished isfinished end isend eof nomore exhausted"
)
_PAGES = _words(
    "totalpages totalpage pagecount pagescount numpages nbpages numberofpages totalnumberofpages pagetotal lastpage lastpagenumber "
    "maxpage pages last"
)
_TOTALS = _words(
    "total totalelements totalcount count totalresults totalrecords recordstotal totalitems totalrows totalhits totalsize "
    "totalentries recordcount recordscount itemcount rowcount numfound odatacount totalnum totalnumber totalcountofrecords nbtotal "
    "numberofrecords numberofresults resultcount resultscount fullcount available length totaldocs totaldocuments totalobjects "
    "totalmatches totalfound found hits matched totalrowcount totalrecordcount totalitemcount totalresultcount records rows of"
)
_REMAINING = _words("remaining left rest remainingcount remainingrecords remainingitems remainingresults")
_NEXT = _words(
    "next nextpage nextpageurl nexturl nextlink nexthref nextcursor nexttoken nextpagetoken continuation continuationtoken "
    "nextmarker nextoffset nextkey nextid odatanextlink nextrecordsurl lastevaluatedkey resumptiontoken nexturi nextpageuri "
    "nextpagelink nextpagecursor nextpageid nextstart nextstartat nextskip nextskiptoken nextindex nextbatch nextresults"
)
_WEAK_NEXT = _words("cursor endcursor after aftercursor scrollid marker pagetoken paginationtoken bookmark pagingstate")
"""Set on the last page too by some; they count where nothing else says that it is the last."""
_SIZES = _words("size pagesize perpage limit itemsperpage maxresults")
_PLACES = _words("page number currentpage pagenumber pageindex offset skip start startat")
_RANGES = _words("contentrange range showing shown")
_IN_HEADERS = _TRUE_IS_MORE | _PAGES | _TOTALS | _NEXT | _TRUE_IS_FAILURE | {"contentrange", "truncated"}
_NO = frozenset({"false", "no", "n", "f", "off", "0", "none", "null", "undefined"})


class Claim(NamedTuple):
    """One field beside the list. where: the object that it stands in; name: as it is written; key: without case and marks."""

    where: str
    name: str
    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class More:
    """Why an answer is a part of the whole, in words, and how the next part is asked for where that is known.

    page: the number of the next page, from 0 on, of `pages`. link: the address of the next page, as the server wrote it.
    """

    said: str
    page: int | None = None
    pages: int = 0
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """The list of an answer, what is said beside it, and how many records it holds once that is known."""

    array: bytes | Raw
    claims: tuple[Claim, ...] = ()
    records: int = 0

    def more(self, received: int, *, page: int = 0) -> More | None:
        """What says that the `received` records, up to page `page` (from 0 on), are not all; None where nothing does."""
        link = next(filter(None, map(_link, self.claims)), None)
        for where in dict.fromkeys(claim.where for claim in self.claims):
            fields = {claim.key: claim for claim in self.claims if claim.where == where}
            number, pages = _integer(fields, "number"), _integer(fields, "totalpages")
            if number is None or pages is None:
                continue
            if number != page:
                return More(f"page {number} of {pages} where page {page} was due")
            if number + 1 < pages:
                return More(f"one of {pages} pages", number + 1, pages)
        found = [said for said in (_says_more(claim, received, page + 1) for claim in self.claims) if said]
        if link and (found or received):
            return More(found[0] if found else "a page with a link to the next", link=link)
        if found:
            return More(found[0])
        return None if self._says_all() else self._weakly_more(received)

    def _says_all(self) -> bool:
        """Whether anything says that this is all."""
        for claim in self.claims:
            if claim.key in _TRUE_IS_MORE and _is_false(claim.value):
                return True
            if claim.key in _FALSE_IS_MORE and claim.value is True:
                return True
            if claim.key in _PAGES | _TOTALS and _whole(claim.value) is not None:
                return True
            if claim.key in _NEXT and claim.value is None:
                return True
        return False

    def _weakly_more(self, received: int) -> More | None:
        for claim in self.claims:
            if claim.key in _WEAK_NEXT and isinstance(claim.value, str) and claim.value:
                return More(f"a page with `{claim.name}`")
        size = next((_whole(claim.value) for claim in self.claims if claim.key in _SIZES), None)
        if size and received >= size and any(claim.key in _PLACES for claim in self.claims):
            return More(f"a full page of {size} records that does not say whether it is the last")
        return None


def opened(body: bytes, call: str, headers: Mapping[str, str], gap: tuple[int, int]) -> Envelope:
    """The list in an answer's body, bare or in one of the known wrappings, and what is said beside it and in the headers.

    gap: where records were taken out of the body, and how many bytes of them.

    Raises UnreadableAnswer where the body is no JSON, SourceContractBroken where it says that the call failed or holds no
    list.
    """
    heard = tuple(_heard(headers))
    if failure := _failure(heard):
        raise broken(call, f"says in its headers that it failed or is incomplete (`{failure}`)")
    first = _FIRST_CHARACTER.match(body)
    match first[1] if first else b"":
        case b"[":
            if parsed(body, list[Raw]) is None:
                raise unreadable(call, no_json(body, gap))
            return Envelope(body, heard)
        case b"{":
            fields = parsed(body, dict[str, Raw]) or parsed(mended(body), dict[str, Raw])
            if fields is None:
                raise unreadable(call, no_json(body, gap))
            return _unwrapped(fields, call, heard)
        case b"":
            raise unreadable(call, "an empty body")
        case b"<":
            raise unreadable(call, "an HTML page")
        case byte if byte >= b"\x80":
            raise unreadable(call, "text that is not UTF-8")
        case _:
            raise unreadable(call, "neither a list nor an object")


def parsed(json: bytes | Raw, shape: Any) -> Any | None:
    """The value in that shape, None where it is not. The error is dropped here: it may hold the body."""
    try:
        return msgspec.json.decode(json, type=shape)
    except NO_JSON:
        return None


def mended(json: bytes) -> bytes:
    """JSON with half a surrogate pair (an emoji that was cut in two) made a replacement character, and with NaN and the
    infinities, which are not JSON, made a number that no field takes: then only their own records are bad.
    """
    json = _ESCAPE.sub(lambda escape: rb"\ufffd" if escape[1] else escape[0], json)
    if b"NaN" in json or b"Infinity" in json:
        json = _NOT_FINITE.sub(lambda found: found[0] if found[1] is None else found[1] + b"1e999", json)
    return json


def no_json(body: bytes | Raw, gap: tuple[int, int] = (0, 0)) -> str:
    """What is wrong with JSON that cannot be read, and at which byte where that can be told.

    gap: where bytes were left out before it was looked at, and how many.
    """
    try:
        msgspec.json.decode(body, type=Raw)
    except NO_JSON as error:
        place = _AT_BYTE.search(str(error))
        if place:
            at = int(place[1])
            return f"JSON that cannot be read (from byte {at + (gap[1] if at >= gap[0] else 0):,} on)"
        if "truncated" in str(error):
            return f"JSON that breaks off after {len(memoryview(body)) + gap[1]:,} bytes"
    return "JSON that cannot be read"


def _unwrapped(fields: Mapping[str, Raw], call: str, heard: tuple[Claim, ...]) -> Envelope:
    arrays = {name: fields[name] for name in LISTS if name in fields and _begins(fields[name]) == b"["}
    beside = {name: _small(raw) for name, raw in fields.items() if name not in arrays}
    claims = (*_claims(beside, ""), *heard)
    failure = _failure(claims)
    if len(arrays) != 1:
        also = f" and says that the call failed (`{failure}`)" if failure else ""
        raise broken(
            call, f"answered an object that does not hold one list under data, content, items, sales or result{also}"
        )
    if failure:
        raise broken(call, f"answered 200 and says beside the list that the call failed or is incomplete (`{failure}`)")
    return Envelope(next(iter(arrays.values())), claims)


def _failure(claims: Iterable[Claim]) -> str | None:
    """The name of the first claim that the call failed."""
    return next((claim.name for claim in claims if _says_failure(claim)), None)


def _begins(raw: Raw) -> bytes:
    return bytes(memoryview(raw)[:1])


def _small(raw: Raw) -> Any:
    """The value of a field; of one that is too large to be a claim, only that there is something."""
    if len(memoryview(raw)) <= _LARGEST_CLAIM:
        return parsed(raw, Any)
    return "something large"


def _claims(fields: Mapping[str, Any], where: str) -> Iterator[Claim]:
    """Each field of an object, and of the objects in it that speak of the answer and not of the shop."""
    for name, value in fields.items():
        key = _key(name)
        yield Claim(where, name[:_LONGEST_NAME], key, value)
        if not _CONTAINER.search(key) or where.count("/") > _DEEPEST:
            continue
        if isinstance(value, dict):
            yield from _claims(value, f"{where}/{key}")
        elif isinstance(value, list):  # [{"rel": "next", "href": ...}]
            links = {str(entry.get("rel")): entry for entry in value if isinstance(entry, dict)}
            yield from _claims(links, f"{where}/{key}")


def _heard(headers: Mapping[str, str]) -> Iterator[Claim]:
    """What the headers of an answer claim: `Link`, `Content-Range`, and those of paging APIs, with or without `X-` before them."""
    for name, value in headers.items():
        key, rest = _key(name), _BEFORE_A_CLAIM.sub("", name, count=1)
        if key == "link":
            for address, parameters in _LINK.findall(value):
                relations = " ".join(map("".join, _RELATIONS.findall(parameters))).lower().split()
                if "next" in relations:
                    yield Claim("headers", name, "next", address)
        elif value.lstrip().startswith("{") and _CONTAINER.search(key):
            yield from _claims({key: parsed(value.encode(), Any)}, "headers")
        elif claimed := next((known for known in (key.removeprefix("x"), _key(rest)) if known in _IN_HEADERS), None):
            yield Claim("headers", name, claimed, value)


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _is_false(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in _NO
    return value is not None and not isinstance(value, list | dict) and not value


def _is_true(value: Any) -> bool:
    return bool(value) and not _is_false(value)


def _whole(value: Any) -> int | None:
    """A whole number, also one that is written as a float or as text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, dict):  # {"value": 500, "relation": "gte"}
        return _whole(value.get("value"))
    if isinstance(value, str):
        digits = _BY_THOUSANDS.sub("", value.strip())
        return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 20 else None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None


def _integer(fields: Mapping[str, Claim], key: str) -> int | None:
    return _whole(fields[key].value) if key in fields else None


def _says_failure(claim: Claim) -> bool:
    value = claim.value
    if claim.key in _FALSE_IS_FAILURE:
        return _is_false(value)
    if claim.key in _TRUE_IS_FAILURE or _LEFT_OUT.fullmatch(claim.key):
        return _is_true(value)
    if claim.key in _FILLED_IS_FAILURE:
        return _is_true(value) and str(value).strip().lower() not in _NO_ERROR
    if claim.key in _STATUSES:
        number = _whole(value)
        if number is not None:
            return number < 0 or number >= 300 or number == _PARTIAL_CONTENT
        return value is False or (isinstance(value, str) and bool(_BAD_STATUS.search(value.strip().lower())))
    if claim.key in _SPOKEN:
        return bool(_BAD_NEWS.search(_GOOD_NEWS.sub("", str(value).lower())))
    return False


def _says_more(claim: Claim, received: int, pages: int) -> str | None:
    """The words in which a claim says that there is more than `received` records of `pages` pages."""
    key, value = claim.key, claim.value
    number = _whole(value)
    if key in _TRUE_IS_MORE and _is_true(value):
        return f"a page with more to come (`{claim.name}`)"
    if key in _FALSE_IS_MORE and _is_false(value) and not (key in _PAGES and number is not None):
        return f"a page that is not the last (`{claim.name}`)"
    if key in _PAGES and number is not None and number > pages:
        return f"one of {number} pages"
    if (
        key in _TOTALS
        and number is not None
        and number > received
        and not (key == "total" and isinstance(value, float))
    ):
        return f"{received:,} of {number:,} records (`{claim.name}`)"
    if isinstance(value, str) and (key in _RANGES or key in _PLACES) and (whole := _HOW_FAR.fullmatch(value)):
        number, is_page = int(whole[1]), key in _PLACES
        return (
            f"a part of {number:,} {'pages' if is_page else 'records'}"
            if number > (pages if is_page else received)
            else None
        )
    if key in _REMAINING and number is not None and number > 0:
        return f"a page with {number:,} records to come (`{claim.name}`)"
    if key in _NEXT and _is_true(value):
        return f"a page with another to come (`{claim.name}`)"
    return None


def _link(claim: Claim) -> str | None:
    """The address of the next page, where a claim holds one."""
    value = claim.value
    if claim.key not in _NEXT:
        return None
    if isinstance(value, dict):
        value = value.get("href") or value.get("url")
    return value if isinstance(value, str) and value.startswith(("http://", "https://", "/", "?")) else None
