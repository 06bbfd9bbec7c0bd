"""What an operator may have stored as the secret: whatever it is, it can be read nowhere."""

import contextlib
import io
import json
import logging
import traceback
import uuid
from datetime import datetime

import boto3
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from local.api import SalesFlowServer, SalesStore
from salesflow.errors import SalesFlowError
from salesflow.source.token import SystemToken
from tests.reliability.fuzz.cases import Fuzzed, drive, garbage, refusal

_tokens = st.text("ABCDEFabcdef0123456789._-", min_size=12, max_size=60)
_wild = st.text(st.characters(exclude_categories=["Cs"]), min_size=12, max_size=60) | _tokens
secrets = st.one_of(
    _wild,
    _wild.map(lambda token: json.dumps({"token": token})),
    st.tuples(_wild, _wild).map(lambda both: json.dumps({"phoneNumber": both[0], "password": both[1]})),
    _wild.map(lambda token: f"Bearer {token}"),
    _wild.map(lambda token: f'{{"token": "{token}'),
    st.dictionaries(st.sampled_from(["token", "phoneNumber", "password", "user"]), garbage, max_size=3).map(json.dumps),
    st.tuples(_tokens, _tokens, _tokens).map(".".join),
)


def fuzz_secrets(cases: int, number: int = 1) -> Fuzzed:
    """What an operator may have stored as the secret."""
    heard = io.StringIO()
    listener = logging.StreamHandler(heard)
    root = logging.getLogger()
    powertools = logging.getLogger("salesflow")
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with SalesFlowServer(SalesStore([], []), clock=lambda: datetime(2026, 11, 21, 7)) as api:
        client = boto3.client(
            "secretsmanager",
            endpoint_url=f"http://{host}:{port}",
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        name = f"fuzzed-{uuid.uuid4().hex[:8]}"
        client.create_secret(Name=name, SecretString="first")

        def case(text: str) -> str:
            client.put_secret_value(SecretId=name, SecretString=text)
            heard.seek(0)
            heard.truncate()
            token = SystemToken(client, name, api_url=api.url)
            try:
                access = token.current()
            except SalesFlowError as refused:
                outcome, said = type(refused).__name__, "".join(traceback.format_exception(refused)) + repr(refused)
                refusal(refused)
            else:
                outcome, said = "token", repr(access) + repr(token)
            for part in _secret_parts(text):
                assert part not in said, "the secret is in an error or a repr"
                assert part not in heard.getvalue(), "the secret is in a log"
            return outcome

        root.addHandler(listener)
        powertools.addHandler(listener)
        try:
            return drive("secrets", secrets, case, cases, number)
        finally:
            moto.stop()
            root.removeHandler(listener)
            powertools.removeHandler(listener)


def _secret_parts(text: str) -> list[str]:
    """The pieces of a secret that must be nowhere: its words of some length."""
    pieces = {text}
    with contextlib.suppress(ValueError):
        value = json.loads(text)
        if isinstance(value, dict):
            pieces = {str(part) for part in value.values()}
    return [piece for piece in pieces if len(piece) >= 12]
