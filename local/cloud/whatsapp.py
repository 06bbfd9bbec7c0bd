"""AWS End User Messaging Social, as far as a sender of template messages meets it: REST calls, errors and limits of botocore's model.

`PATCH /_local/whatsapp` sets how it is: `templates` (name: status, places, document, language), `limited` (how many calls more are throttled),
`failing`, `undelivered` (number: Meta's code of why); `GET` tells what was sent. Messages are checked as Meta's Cloud API does
(developers.facebook.com/docs/whatsapp/cloud-api); what becomes of them is published to the account's event destination.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import urllib3
from werkzeug.wrappers import Request, Response

SENDING: Final = "/v1/whatsapp/"
SETTING: Final = "/_local/whatsapp"
PHONE: Final = "phone-number-id-0123456789abcdef0123456789abcdef"
ACCOUNT: Final = "waba-0123456789abcdef0123456789abcdef"
_LINKED: Final = {
    "arn": f"arn:aws:social-messaging:us-east-1:123456789012:waba/{ACCOUNT.removeprefix('waba-')}",
    "id": ACCOUNT,
    "wabaId": "1163793972139053",
    "registrationStatus": "COMPLETE",
    "linkDate": 1_763_895_600,
    "wabaName": "Corner Store",
}
_NUMBER: Final = {
    "arn": f"arn:aws:social-messaging:us-east-1:123456789012:phone-number-id/{PHONE.removeprefix('phone-number-id-')}",
    "phoneNumber": "+243800000000",
    "phoneNumberId": PHONE,
    "metaPhoneNumberId": "574086085794038",
    "displayPhoneNumberName": "Corner Store",
    "displayPhoneNumber": "+243 800 000 000",
    "qualityRating": "GREEN",
}
_MOST_CHARACTERS: Final = 1024
_RUNS = re.compile(r"[\n\t]| {5}")


class _Problem(Exception):
    """An error as the service names it."""

    def __init__(self, status: int, name: str, says: str) -> None:
        super().__init__(says)
        self.status, self.name = status, name


class WhatsAppService:
    """One number with templates. publish: takes the ARN of a topic and a message."""

    def __init__(self, publish: Callable[[str, str], None] = lambda _topic, _message: None) -> None:
        self._publish = publish
        self.state: dict[str, Any] = {
            "templates": {
                "salesflow_message": {"status": "APPROVED", "places": 3, "document": False},
                "salesflow_report": {"status": "APPROVED", "places": 3, "document": True},
            },
            "limited": 0,
            "failing": 0,
            "undelivered": {},
            "destination": "",
            "sent": [],
            "media": {},
        }

    def answer(self, request: Request) -> Response:
        """Answer a call of the service, or one that sets how it is."""
        if request.path == SETTING:
            self.state |= request.get_json() if request.method == "PATCH" else {}
            return _json(200, {**self.state, "media": sorted(self.state["media"])})
        try:
            return _json(200, self._done(request))
        except _Problem as problem:
            answer = _json(problem.status, {"message": str(problem)})
            answer.headers["X-Amzn-ErrorType"] = problem.name
            return answer

    def _done(self, request: Request) -> dict[str, Any]:
        if "/social-messaging/" not in request.headers.get("Authorization", ""):
            raise _Problem(403, "AccessDeniedException", "The request is not signed for this service.")
        if self.state["limited"]:
            self.state["limited"] -= 1
            raise _Problem(429, "ThrottledRequestException", "Too many requests.")
        if self.state["failing"]:
            self.state["failing"] -= 1
            raise _Problem(502, "DependencyException", "WhatsApp does not answer.")
        match request.method, request.path.removeprefix(SENDING):
            case "POST", "send":
                return self._sent(json.loads(request.get_data()))
            case "POST", "media":
                return self._kept(json.loads(request.get_data()))
            case "GET", "template/list":
                shown = [
                    {
                        "templateName": name,
                        "templateStatus": said["status"],
                        "templateLanguage": said.get("language", "en"),
                    }
                    for name, said in self.state["templates"].items()
                ]
                return {"templates": shown}
            case "GET", "waba/phone/details":
                _number({"originationPhoneNumberId": request.args["id"]})
                return {"phoneNumber": _NUMBER, "linkedWhatsAppBusinessAccountId": ACCOUNT}
            case "GET", "waba/list":
                return {"linkedAccounts": [_LINKED | {"eventDestinations": self._destinations}]}
            case "PUT", "waba/eventdestinations":
                (wanted,) = json.loads(request.get_data())["eventDestinations"]
                self.state["destination"] = wanted["eventDestinationArn"]
                return {}
        raise _Problem(404, "ResourceNotFoundException", "There is no such operation.")

    def _kept(self, said: dict[str, Any]) -> dict[str, Any]:
        _number(said)
        source = said["sourceS3PresignedUrl"]
        file = urllib3.request("GET", source["url"], headers=source["headers"], timeout=30)
        if file.status != 200 or not file.data.startswith(b"%PDF"):
            raise _Problem(400, "InvalidParametersException", f"The file could not be fetched ({file.status}).")
        ident = f"{len(self.state['media']) + 1:016d}"
        self.state["media"][ident] = len(file.data)
        return {"mediaId": ident}

    def _sent(self, said: dict[str, Any]) -> dict[str, Any]:
        _number(said)
        message = json.loads(base64.b64decode(said["message"]))
        if message["messaging_product"] != "whatsapp" or not re.fullmatch(r"\+[1-9]\d{6,14}", message["to"]):
            raise _Problem(400, "InvalidParametersException", "(#100) Invalid parameter")
        template = message["template"]
        known = self.state["templates"].get(template["name"])
        if known is None or known["status"] != "APPROVED":
            raise _Problem(
                400, "InvalidParametersException", "(#132001) Template name does not exist in the translation"
            )
        parts = {part["type"]: part["parameters"] for part in template["components"]}
        texts = [one["text"] for one in parts["body"]]
        if len(texts) != known["places"] or ("header" in parts) != known["document"]:
            raise _Problem(400, "InvalidParametersException", "(#132000) Number of parameters does not match")
        if any(not text or _RUNS.search(text) for text in texts) or sum(map(len, texts)) > _MOST_CHARACTERS:
            raise _Problem(400, "InvalidParametersException", "(#132018) Parameter format does not match")
        if "header" in parts and parts["header"][0]["document"]["id"] not in self.state["media"]:
            raise _Problem(400, "InvalidParametersException", "(#131053) Media upload error")
        self.state["sent"].append(message)
        ident = f"wamid-{len(self.state['sent'])}"
        if self.state["destination"]:
            self._publish(self.state["destination"], published(message, ident, self.state["undelivered"]))
        return {"messageId": ident}

    @property
    def _destinations(self) -> list[dict[str, str]]:
        topic = self.state["destination"]
        return [{"eventDestinationArn": topic}] if topic else []


def published(message: dict[str, Any], ident: str, undelivered: Mapping[str, int]) -> str:
    """What the service writes to a topic of what became of a message: an entry of Meta's webhook, as text in its own envelope."""
    number, code = message["to"], undelivered.get(message["to"])
    status: dict[str, Any] = {
        "id": ident,
        "status": "delivered" if code is None else "failed",
        "timestamp": "1763895600",
        "recipient_id": number.removeprefix("+"),
        "biz_opaque_callback_data": message["biz_opaque_callback_data"],
    }
    if code is not None:
        status["errors"] = [{"code": code, "title": "Message undeliverable", "message": "Message undeliverable"}]
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "1"}, "statuses": [status]}
    entry = {"id": "1", "changes": [{"value": value, "field": "messages"}]}
    context = {"MetaWabaIds": [{"wabaId": "1"}], "MetaPhoneNumberIds": [{"metaPhoneNumberId": "1"}]}
    return json.dumps({"context": context, "whatsAppWebhookEntry": json.dumps(entry), "aws_account_id": "123456789012"})


def _number(said: dict[str, Any]) -> None:
    if said["originationPhoneNumberId"] != PHONE:
        raise _Problem(404, "ResourceNotFoundException", "There is no such phone number.")


def _json(status: int, value: object) -> Response:
    return Response(json.dumps(value), status=status, content_type="application/json")
