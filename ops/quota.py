"""How many functions an account may run at once, and whether that is enough for the one that is kept room for: that of the links."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ops.complaints import Complaint
from ops.desk import Desk

STAYS_FREE = 10
"""Concurrent executions that Lambda lets nobody reserve."""
OF_LINKS = 2
"""Those that the template reserves for the function behind the links."""
REQUEST = "ask for more in Service Quotas: Lambda, Concurrent executions (L-B99A9384)"
WITHOUT = f"{REQUEST[0].upper()}{REQUEST[1:]}, and go on without links until then: salesflow-ops init --links no."


def left_unreserved(client: Any) -> int:
    """Of the account's concurrent executions in a region those that nothing has reserved; `client` is Lambda's.

    Raises the SDK's own errors.
    """
    return int(client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"])


def no_room_for_links(desk: Desk) -> str | None:
    """Why the account cannot have links yet; None where it can, where the stack has them, and where it may not be asked.

    Without the room CloudFormation fails half-way, and takes back all that it has made.
    """
    try:
        if "LinksFunction" in desk.stack.resources:
            return None
    except (ClientError, BotoCoreError, Complaint):
        pass  # no stack yet
    try:
        left = left_unreserved(desk.stack.client("lambda"))
    except (ClientError, BotoCoreError, Complaint):
        return None  # the deployment says it better
    if left >= STAYS_FREE + OF_LINKS:
        return None
    needed = STAYS_FREE + OF_LINKS
    return f"Links need {needed} concurrent executions of Lambda that nothing has reserved, and the account has {left} in {desk.stack.region}."
