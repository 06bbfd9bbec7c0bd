"""WhatsApp readers are told once each by a registered template, with the PDF as its document; what the service refuses is told apart."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import get_session
from botocore.validate import ParamValidator
from werkzeug.serving import make_server
from werkzeug.wrappers import Request

from local.cloud.whatsapp import ACCOUNT, PHONE, SETTING, WhatsAppService
from salesflow.aws import AwsClients
from salesflow.delivery.addresses import MarkedAddresses
from salesflow.delivery.channel import Channels, send_to_all
from salesflow.delivery.mail import Mailer
from salesflow.delivery.message import Attachment, Message
from salesflow.delivery.ways import SealedWays, Ways
from salesflow.delivery.whatsapp import WhatsApp
from salesflow.formats import Format
from salesflow.ledger import Artifact, Claim, Ledger, RunStatus, SavedFile
from salesflow.rows import Rows
from tests.integration.conftest import REGION
from tests.integration.delivery.conftest import DATE
from tests.integration.delivery.test_channels import GIST, HUGE

ANNE, MAMA, PAPA = "anne@example.com", "whatsapp:+243812345678", "whatsapp:+243998765432"
WAY = {"phone": PHONE, "template": "salesflow_message", "document_template": "salesflow_report", "language": "fr"}
PDF = b"%PDF-1.7 a report"

type Take = Callable[..., Claim]


@dataclass
class Stand:
    """The service, how it is, and the channels."""

    url: str
    channels: Channels
    mail: Message
    kept: SealedWays

    def set(self, **state: Any) -> None:
        """Set how the service is."""
        urllib3.request("PATCH", self.url + SETTING, json=state)

    @property
    def state(self) -> Any:
        """How it is, and what it sent."""
        return urllib3.request("GET", self.url + SETTING).json()


@pytest.fixture
def stand(
    clients: AwsClients,
    state_table: str,
    bucket: str,
    mailer: Mailer,
    kept: SealedWays,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stand]:
    service = WhatsAppService()
    server = make_server("127.0.0.1", 0, Request.application(service.answer), threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_SOCIALMESSAGING", url)
    own = AwsClients(ses_region=REGION)
    version = clients.s3.put_object(Bucket=bucket, Key="reports/x.pdf", Body=PDF)["VersionId"]
    clients.s3.put_object(Bucket=bucket, Key="reports/x.pdf", Body=b"another edition's")

    def sign(file: SavedFile) -> str:
        params = {"Bucket": file.artifact.bucket, "Key": file.artifact.key, "VersionId": file.version}
        return str(clients.s3.generate_presigned_url("get_object", Params=params))

    kept.keep("whatsapp", WAY)
    whatsapp = WhatsApp(lambda: own.socialmessaging, Ways(kept), sign)
    saved = SavedFile(Artifact(Format.PDF, bucket, "reports/x.pdf", len(PDF), "0" * 64), version)
    files = (Attachment("x.csv", "text/csv", b"a"), Attachment("x.pdf", "application/pdf", PDF, saved))
    channels = Channels(
        lambda kind: mailer if kind == "mail" else whatsapp, MarkedAddresses(Rows(clients.dynamodb, state_table))
    )
    yield Stand(url, channels, Message("Sales", "t", "h", files, gist=GIST), kept)
    server.shutdown()


def test_readers_of_whatsapp_are_told_once_with_the_page_as_it_was_saved(
    stand: Stand, take: Take, ledger: Ledger
) -> None:
    claim = take()
    assert send_to_all(stand.channels, claim, stand.mail, [MAMA, ANNE, PAPA]).notified == (MAMA, ANNE, PAPA)
    claim.finish(RunStatus.FAILED, reason="")
    assert send_to_all(stand.channels, take(), stand.mail, [MAMA, ANNE, PAPA]).told_now == ()
    first, second = stand.state["sent"]
    assert (first["to"], second["to"]) == ("+243812345678", "+243998765432")
    header, body = first["template"]["components"]
    assert header["parameters"][0]["document"] == {"id": stand.state["media"][0], "filename": "x.pdf"}
    assert len(stand.state["media"]) == 1, "one file for all readers"
    assert [one["text"] for one in body["parameters"]][:2] == [GIST.title, GIST.headline]
    assert "Transactions: 81 (+12% last Sunday)" in body["parameters"][2]["text"]
    assert first["template"]["language"] == {"code": "fr"}
    assert first["biz_opaque_callback_data"] == claim.reference
    sent = {send.recipient: send.message_id for send in ledger.sends(claim.identity, DATE)}
    assert sent[MAMA] == "wamid-1"


@pytest.mark.parametrize("gist", [HUGE, replace(GIST, title="", figures=(), lead=(), headline="a\n\tb      c")])
def test_whatever_the_names_are_the_places_take_it(stand: Stand, take: Take, gist: Any) -> None:
    mail = replace(stand.mail, gist=gist, attachments=())
    assert send_to_all(stand.channels, take(), mail, [MAMA]).notified == (MAMA,)
    (sent,) = stand.state["sent"]
    assert sent["template"]["name"] == "salesflow_message"


@pytest.mark.parametrize(
    ("state", "later", "says"),
    [
        ({"templates": {}}, False, "Template name does not exist"),
        (
            {"templates": {"salesflow_report": {"status": "PENDING", "places": 3, "document": True}}},
            False,
            "Template name",
        ),
        ({"templates": {"salesflow_report": {"status": "APPROVED", "places": 4, "document": True}}}, False, "132000"),
        ({"limited": 1}, True, "ThrottledRequestException"),
        ({"failing": 1}, True, "DependencyException"),
    ],
)
def test_what_the_service_refuses_and_what_passes_is_told_apart(
    stand: Stand, take: Take, state: dict[str, Any], later: bool, says: str
) -> None:
    stand.set(**state)
    claim = take()
    result = send_to_all(stand.channels, claim, stand.mail, [MAMA])
    found = result.unreached if later else result.refused
    assert says in found[MAMA]
    assert "812345" not in found[MAMA]
    claim.finish(RunStatus.FAILED, reason="")
    if later:
        assert send_to_all(stand.channels, take(), stand.mail, [MAMA]).notified == (MAMA,)
        assert len(stand.state["sent"]) == 1


def test_a_number_that_the_account_has_not_stops_whatsapp_and_nothing_else(stand: Stand, take: Take) -> None:
    foreign = "phone-number-id-ffffffffffffffffffffffffffffffff"
    stand.kept.keep("whatsapp", WAY | {"phone": foreign})
    result = send_to_all(stand.channels, take(), stand.mail, [MAMA, ANNE, PAPA])
    assert result.notified == (ANNE,)
    assert set(result.unreached) == {MAMA, PAPA}
    assert "ResourceNotFoundException" in result.unreached[PAPA]


@pytest.mark.parametrize(
    ("state", "phone", "name"),
    [
        ({"limited": 9}, PHONE, "ThrottledRequestException"),
        ({"failing": 9}, PHONE, "DependencyException"),
        ({}, "phone-number-id-0", "ResourceNotFoundException"),
        ({"templates": {}}, PHONE, "InvalidParametersException"),
    ],
)
def test_the_local_service_fails_as_the_model_of_botocore_says(
    stand: Stand, state: dict[str, Any], phone: str, name: str
) -> None:
    once = Config(retries={"total_max_attempts": 1})  # and no waiting in between
    client: Any = get_session().create_client("socialmessaging", REGION, endpoint_url=stand.url, config=once)
    shapes = client.meta.service_model.operation_model("SendWhatsAppMessage").error_shapes
    stand.set(**state)
    message = {"messaging_product": "whatsapp", "to": "+243812345678", "template": {"name": "x"}}
    with pytest.raises(ClientError) as caught:
        client.send_whatsapp_message(
            originationPhoneNumberId=phone, message=json.dumps(message), metaApiVersion="v20.0"
        )
    assert caught.value.response["Error"]["Code"] == name
    status = {shape.name: shape.metadata["error"]["httpStatusCode"] for shape in shapes}[name]
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("ListWhatsAppMessageTemplates", {"id": ACCOUNT}),
        ("ListLinkedWhatsAppBusinessAccounts", {}),
        ("GetLinkedWhatsAppBusinessAccountPhoneNumber", {"id": PHONE}),
    ],
)
def test_the_local_service_tells_of_the_account_as_the_model_of_botocore_says(
    stand: Stand, operation: str, given: dict[str, Any]
) -> None:
    client: Any = get_session().create_client("socialmessaging", region_name=REGION, endpoint_url=stand.url)
    topic = "arn:aws:sns:us-east-1:123456789012:shop-whatsapp"
    client.put_whatsapp_business_account_event_destinations(
        id=ACCOUNT, eventDestinations=[{"eventDestinationArn": topic}]
    )
    answer = client._make_api_call(operation, given)
    del answer["ResponseMetadata"]
    shape = client.meta.service_model.operation_model(operation).output_shape
    assert not ParamValidator().validate(answer, shape).has_errors()
    assert ACCOUNT in str(answer) or {one["templateStatus"] for one in answer["templates"]} == {"APPROVED"}
