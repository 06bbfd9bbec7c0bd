"""Answers of AWS that are no text: what stands between, a proxy or a broken connection, made them."""

from typing import Any

from botocore.exceptions import HTTPClientError


class GarbledAnswer(HTTPClientError):
    """An answer that is no text at all. botocore would let its UnicodeDecodeError through, which holds the whole answer."""

    fmt = "The answer of {operation} is garbled"


def refuse_garbled(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Refuse an answer that is no UTF-8 (a stream, such as an S3 object's body, is left to its reader and its checksum).

    A mail that SES accepted is accepted, though nobody can read its id.
    """
    body = response_dict["body"]
    if not isinstance(body, bytes) or _is_text(body):
        return
    if operation_model.name == "SendEmail" and response_dict["status_code"] < 300:
        response_dict["body"] = b"{}"
        return
    raise GarbledAnswer(operation=operation_model.name)


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
