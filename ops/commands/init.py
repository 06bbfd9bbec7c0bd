"""`init`: the few questions before the first deployment, and the token after it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ops.complaints import Misused
from ops.desk import Desk
from ops.errors import explained
from ops.groups import Group
from ops.options import Answer, ShopAnswers
from ops.samconfig import DEFAULT, PLACE
from ops.terminal import Facts

HIDDEN_QUESTION = (
    'System token (a JWT, or {"phoneNumber": "...", "password": "..."}; it is not shown; empty: leave it as it is)'
)

NEAR = "ap-southeast-1"

app = Group("The few questions before the first deployment, and the token after it.")


@app.command(
    "init",
    of_shop=False,
    examples=[
        "init",
        "init --api-url https://shop.example/api/v1 --sender reports@shop.example --owners owner@shop.example",
        "init --token-only --stack salesflow",
    ],
)
def init(
    desk: Desk,
    *,
    answers: ShopAnswers,
    sender: Annotated[Answer, typer.Option(help="Address that the mails come from.")] = None,
    links: Annotated[
        Literal["yes", "no"] | None,
        typer.Option(help="Whether mails may hold signed links that open a report without a login."),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(allow_dash=True, dir_okay=False, help="File with the system token, - for standard input."),
    ] = None,
    token_only: Annotated[bool, typer.Option("--token-only", help="Ask for the token alone, and store it.")] = False,
    config_file: Annotated[
        Path, typer.Option(dir_okay=False, show_default="samconfig.toml", help="The file to write.")
    ] = PLACE,
) -> None:
    """Ask what a deployment has to know, write it into samconfig.toml, store the system token, and run doctor.

    What is given as an option is not asked. In a pipe nothing is asked: what is not given stays as it is in samconfig.toml, or the template's
    default. The token goes to Secrets Manager, once the stack is there, and nowhere else.
    """
    given = {name.replace("_", "-"): said for name, said in asdict(answers).items()} | {
        "sender": sender,
        "links": links,
    }
    if token_only and any(given.values()):
        raise Misused("--token-only asks for the token alone.", action="Leave the other options out.")
    parameters, environment = ({}, DEFAULT) if token_only else written(desk, given, config_file)
    there = _is_there(desk)
    if there:
        _outvoted(desk, parameters)
    token = stored_token(desk, token_file) if there else "later"
    config_env = "" if environment == DEFAULT else f" --config-env {environment}"
    following = "" if there else f"salesflow-ops deploy, or sam build && sam deploy{config_env}"
    data: dict[str, Any] = {"parameters": parameters, "token": token, "next": following}
    if not there:
        facts = [*parameters.items(), ("token", token), ("next", following)]
        desk.out.show(data, Facts("", facts))
        return
    from ops.commands.doctor import examined, tell

    found = examined(desk)
    tell(desk, found, data | {"doctor": found} if desk.out.as_json else found)


def _outvoted(desk: Desk, parameters: Mapping[str, str]) -> None:
    """Say which answers the shop's row says otherwise: it wins."""
    from ops.first_answers import QUESTIONS
    from ops.shop_settings import as_text

    said = desk.stack.settings_version.values
    for question in QUESTIONS:
        if question.field is None or question.field not in said or question.parameter not in parameters:
            continue
        text = as_text(said[question.field])
        if text.replace(", ", ",") != (parameters[question.parameter] or "-"):
            desk.out.note(
                f"{question.field} stays {text}, as the shop's row says: salesflow-ops settings set or unset.",
                style="yellow",
            )


def written(desk: Desk, given: Mapping[str, Answer], config_file: Path) -> tuple[dict[str, str], str]:
    """Ask what is not given, and write all of it: the parameters, and the configuration environment that they are in. Raises Misused."""
    from ops.quota import no_room_for_links
    from ops.samconfig import read_parameters, write_parameters

    target = desk.target
    region = target.region or (None if target.local else region_of(target.stack, config_file))
    refused = no_room_for_links(Desk(replace(target, region=region), desk.out))
    parameters = _asked(given, read_parameters(config_file, target.stack), no_links=refused)
    parameters |= _identity(desk, parameters["MailSender"], region)
    environment = write_parameters(config_file, parameters, stack=target.stack, region=region)
    desk.out.note(f"{config_file.name} has it.", style="green")
    if not parameters.get("AlertRecipients"):
        desk.out.note("Nobody hears of alerts: AlertRecipients is empty (--alerts).", style="yellow")
    if not parameters.get("ReportRecipients"):
        desk.out.note("Nobody gets the reports by mail: ReportRecipients is empty (--readers).", style="yellow")
    return parameters, environment


def region_of(stack: str | None, config_file: Path) -> str | None:
    """The region that is typed, where none is known: of the shell, or of the file."""
    from ops.doctor.mail import is_offered
    from ops.samconfig import deployment_settings

    known = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    known = known or deployment_settings(stack, config_file).get("region")
    if not is_terminal():
        return known
    while True:
        text: str = typer.prompt("Which AWS region (near the shop, with SES)?", default=known or NEAR, err=True)
        if is_offered(text.strip()):
            return text.strip()
        typer.secho(
            f"  SES is not offered in {text}, or there is no such region. From Shanghai: {NEAR}, ap-northeast-1, ap-northeast-2.",
            fg="red",
            err=True,
        )


def _identity(desk: Desk, sender: str, region: str | None) -> dict[str, str]:
    """Whether the stack has to register the sender: not where SES knows it or its domain, which CloudFormation would fail on."""
    from botocore.exceptions import BotoCoreError, ClientError

    from ops.complaints import Complaint

    try:
        stack = replace(desk.target, region=desk.target.region or region).resolve()
        if stack.resources.get("MailIdentity"):
            return {"CreateMailIdentity": "yes"}  # the stack's own
    except (ClientError, BotoCoreError, Complaint):
        pass
    try:
        client = replace(desk.target, region=desk.target.region or region).resolve().client("sesv2")
        for identity in (sender, sender.rpartition("@")[2]):
            try:
                client.get_email_identity(EmailIdentity=identity)
            except client.exceptions.NotFoundException:
                continue
            desk.out.note(f"SES knows {identity} already: the stack leaves it alone (CreateMailIdentity=no).")
            return {"CreateMailIdentity": "no"}
        return {"CreateMailIdentity": "yes"}
    except (ClientError, BotoCoreError, Complaint):
        desk.out.note(
            "SES could not be asked whether it knows the sender; set CreateMailIdentity=yes where it does not."
        )
    return {}


def is_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty()


def _asked(given: Mapping[str, Answer], known: Mapping[str, str], *, no_links: str | None) -> dict[str, str]:
    """The parameters that the answers mean: those of the options, of the questions, and what is known already.

    `no_links`: why there can be none; nobody is asked for them then. Raises Misused.
    """
    from ops.first_answers import QUESTIONS, NoAnswer
    from ops.quota import REQUEST, WITHOUT

    found: dict[str, str] = {}
    lacking = []
    for question in QUESTIONS:
        answer = given.get(question.name)
        if question.name == "links" and no_links:
            if answer == "yes":
                raise Misused(no_links, action=WITHOUT)
            typer.secho(f"No links in mails: {no_links} {REQUEST}, then say init --links yes.", fg="yellow", err=True)
            answer = "no"
        if answer is None and is_terminal():
            found |= prompted(question.asks, question.present(known), question.answered)
            continue
        text = question.present(known) if answer is None else answer
        try:
            found |= question.answered(text)
        except NoAnswer as error:
            lacking.append(f"--{question.name}: {error}" if text else f"--{question.name} is needed")
    if lacking:
        raise Misused("; ".join(lacking) + ".", action="Say them as options, or answer on a terminal.")
    return found


def prompted[Known](asks: str, present: str, answered: Callable[[str], Known]) -> Known:
    """What the answer that is typed means; asked again until it will do."""
    from ops.first_answers import NoAnswer

    while True:
        text: str = typer.prompt(asks, default=present or "", show_default=bool(present), err=True)
        try:
            return answered(text)
        except (NoAnswer, Misused) as error:
            typer.secho(f"  {str(error).rstrip('.')}.", fg="red", err=True)


def _is_there(desk: Desk) -> bool:
    """Whether the stack is deployed and can be asked; why not is said."""
    from botocore.exceptions import BotoCoreError, ClientError

    from ops.complaints import Complaint

    try:
        return bool(desk.stack.secret)
    except (ClientError, BotoCoreError, Complaint) as error:
        complaint = explained(error)
        desk.out.note(f"The stack is not there yet, or cannot be asked: {complaint.message if complaint else error}")
        return False


def stored_token(desk: Desk, token_file: Path | None) -> str:
    """Store the token that is given or typed; answers what became of it, never the token."""
    text = given_token(desk, token_file, desk.stack.settings.api_url)
    if not text:
        return "kept"
    client = desk.stack.client("secretsmanager")
    client.put_secret_value(SecretId=desk.stack.secret, SecretString=text)
    desk.out.note("The token is stored.", style="green")
    return "stored"


def given_token(desk: Desk, token_file: Path | None, api_url: str) -> str:
    """The token that a file holds, or that is typed, tried where it is to be good; "" for none. Raises Misused."""
    if token_file is not None:
        text = sys.stdin.read() if str(token_file) == "-" else token_file.read_text("utf-8")
        _refuse_malformed(desk, text, api_url)
        return text.strip()
    return _typed(desk, api_url).strip() if is_terminal() else ""


def _typed(desk: Desk, api_url: str) -> str:
    while True:
        text: str = typer.prompt(HIDDEN_QUESTION, default="", show_default=False, hide_input=True, err=True)
        if not text.strip():
            return ""
        try:
            _refuse_malformed(desk, text, api_url)
        except Misused as error:
            typer.secho(f"  {error}", fg="red", err=True)
            continue
        return text


class _Typed:
    """A secret that is not stored yet, as Secrets Manager would hand it out."""

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": self._text}


def _refuse_malformed(desk: Desk, text: str, url: str) -> None:
    """Refuse what the functions would refuse, before it is stored: by their own code. Raises Misused."""
    from salesflow.errors import SalesFlowError, SystemTokenMissing, SystemTokenRejected
    from salesflow.source.token import SystemToken
    from salesflow.source.transport import RETRIES, Transport

    transport = Transport(url, retries=RETRIES.new(total=0))
    try:
        SystemToken(_Typed(text), "that was given", api_url=url, transport=transport).current()
    except (SystemTokenMissing, SystemTokenRejected) as error:
        raise Misused(error.message, action=error.action) from None
    except SalesFlowError as error:
        desk.out.note(f"It could not be tried: {error.message}", style="yellow")
