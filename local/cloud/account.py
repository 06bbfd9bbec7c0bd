"""What AWS says of the account itself, and moto does not know: its standing with SES, whom SES no longer mails, Lambda's quotas.

The account is one in good standing: out of the sandbox, every identity verified. The shapes and errors are those of the API references
(SES API v2; Lambda API).
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from salesflow import clock

SES_ACCOUNT = "/v2/email/account"
SES_SENDING = "/v2/email/account/sending"
SES_SUPPRESSED = "/v2/email/suppression/addresses"
SES_IDENTITY = re.compile(r"/v2/email/identities/[^/]+")
SES_SET = re.compile(r"/v2/email/configuration-sets/([^/]+)")
SES_SET_SENDING = re.compile(SES_SET.pattern + "/sending")
LAMBDA_SETTINGS = "/2016-08-19/account-settings"

DAILY_MAILS = 50_000.0
MAILS_A_SECOND = 14.0
CONCURRENT_EXECUTIONS = 1000
LARGEST_PACKAGE = 262_144_000


@dataclass
class Account:
    """One account, in all regions. Safe to share between threads."""

    sends: bool = True
    suppressed: dict[str, dict[str, Any]] = field(default_factory=dict)
    paused_sets: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Response | None:
        """The answer to a request that is about the account; None for any other."""
        path = request.path.rstrip("/")
        with self._lock:
            match request.method, path:
                case "GET", str() if path == SES_ACCOUNT:
                    return _json(self._standing())
                case "PUT", str() if path == SES_SENDING:
                    self.sends = bool(request.get_json(force=True).get("SendingEnabled", False))
                    return _json({})
                case _, str() if path.startswith(SES_SUPPRESSED):
                    return self._suppression(request, unquote(path.removeprefix(SES_SUPPRESSED).lstrip("/")))
                case "PUT", str() if found := SES_SET_SENDING.fullmatch(path):
                    is_on = bool(request.get_json(force=True).get("SendingEnabled", False))
                    (self.paused_sets.discard if is_on else self.paused_sets.add)(unquote(found[1]))
                    return _json({})
                case "GET", str() if path == LAMBDA_SETTINGS:
                    return _json(_lambda_settings())
                case _:
                    return None

    def completed(self, request: Request, response: Response) -> Response:
        """moto's answer with what it leaves out: that an identity is verified, and whether a configuration set sends."""
        if request.method != "GET" or response.status_code != 200:
            return response
        if SES_IDENTITY.fullmatch(request.path):
            state = {"VerifiedForSendingStatus": True, "VerificationStatus": "SUCCESS"}
        elif found := SES_SET.fullmatch(request.path):
            state = {"SendingOptions": {"SendingEnabled": unquote(found[1]) not in self.paused_sets}}
        else:
            return response
        return _json(response.get_json(force=True) | state)

    def _standing(self) -> dict[str, Any]:
        return {
            "DedicatedIpAutoWarmupEnabled": False,
            "EnforcementStatus": "HEALTHY",
            "ProductionAccessEnabled": True,
            "SendQuota": {"Max24HourSend": DAILY_MAILS, "MaxSendRate": MAILS_A_SECOND, "SentLast24Hours": 0.0},
            "SendingEnabled": self.sends,
            "SuppressionAttributes": {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]},
        }

    def _suppression(self, request: Request, address: str) -> Response:
        match request.method:
            case "PUT" if not address:
                asked = request.get_json(force=True)
                kept = {"EmailAddress": asked["EmailAddress"], "Reason": asked["Reason"]}
                self.suppressed[asked["EmailAddress"].lower()] = kept | {"LastUpdateTime": clock.now().timestamp()}
                return _json({})
            case "GET" if not address:
                return _json({"SuppressedDestinationSummaries": list(self.suppressed.values())})
            case "GET" if address.lower() in self.suppressed:
                return _json({"SuppressedDestination": self.suppressed[address.lower()]})
            case "DELETE" if self.suppressed.pop(address.lower(), None):
                return _json({})
            case _:
                message = f"Email address {address} does not exist on your suppression list."
                return _json({"message": message}, status=404, error="NotFoundException")


def _lambda_settings() -> dict[str, Any]:
    return {
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800,
            "CodeSizeUnzipped": LARGEST_PACKAGE,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": CONCURRENT_EXECUTIONS,
            "UnreservedConcurrentExecutions": CONCURRENT_EXECUTIONS,
        },
        "AccountUsage": {"TotalCodeSize": 0, "FunctionCount": 0},
    }


def _json(value: object, *, status: int = 200, error: str | None = None) -> Response:
    headers = {"x-amzn-ErrorType": error} if error else {}
    return Response(json.dumps(value), status=status, headers=headers, content_type="application/json")
