"""A function's URL: a request of HTTP as the event that Lambda makes of it, and the function's answer as HTTP again.

Payload format 2.0, as "Invoking Lambda function URLs" in Lambda's Developer Guide has it: names of headers in lower case, cookies apart,
a body that is no text in base64; an answer with a `statusCode` is taken apart, any other is the body itself, as JSON.
"""

from __future__ import annotations

import base64
import json
import uuid
from datetime import UTC
from typing import Any

from werkzeug.wrappers import Request, Response

from salesflow import clock

LARGEST_BODY = 6 * 1024 * 1024
_TEXT = ("text/", "application/json", "application/javascript", "application/xml")


def event_of(request: Request, path: str) -> dict[str, Any]:
    """The event of a request; path: below the function's URL, with its slash."""
    now = clock.now().astimezone(UTC)
    body = request.get_data()
    is_text = (request.content_type or "").startswith(_TEXT)
    headers = {name.lower(): value for name, value in request.headers.items() if name.lower() != "cookie"}
    query = request.query_string.decode("latin-1")
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        **({"cookies": [f"{name}={value}" for name, value in request.cookies.items()]} if request.cookies else {}),
        "headers": headers,
        **({"queryStringParameters": dict(request.args)} if query else {}),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "local",
            "domainName": request.host,
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.remote_addr or "",
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": f"{now:%d/%b/%Y:%H:%M:%S %z}",
            "timeEpoch": int(now.timestamp() * 1000),
        },
        **({"body": body.decode() if is_text else base64.b64encode(body).decode()} if body else {}),
        "isBase64Encoded": bool(body) and not is_text,
    }


def response_of(payload: bytes, *, failed: bool) -> Response:
    """What the caller gets of a function's answer."""
    if failed:
        return Response("Internal Server Error", status=502, content_type="text/plain")
    answer = json.loads(payload or b"null")
    if not (isinstance(answer, dict) and "statusCode" in answer):
        return Response(json.dumps(answer), content_type="application/json")
    text = str(answer.get("body") or "")
    response = Response(
        base64.b64decode(text) if answer.get("isBase64Encoded") else text,
        status=int(answer["statusCode"]),
        headers={name: str(value) for name, value in answer.get("headers", {}).items()},
    )
    for cookie in answer.get("cookies", ()):
        response.headers.add("Set-Cookie", cookie)
    return response
