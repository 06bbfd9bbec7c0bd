"""`deploy` and `destroy`: a stack into an AWS account, step by step, and out of it.

Each step looks first at what stands already: interrupted anywhere, the same command goes on from there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from ops.complaints import Complaint, ExitCode, Failed, Misused, NoAccess
from ops.desk import Desk
from ops.errors import explained
from ops.groups import Group
from ops.local_cloud import REPOSITORY
from ops.options import YesOption
from ops.samconfig import PLACE, environment_of, read_parameters
from ops.target import Stack
from ops.terminal import Facts

app = Group("A stack into an AWS account, and out of it.")

NEEDED = ("SalesFlowApiUrl", "MailSender", "OwnerRecipients")
"""The parameters that have no default."""
A_MONTH = (
    "For one shop about 4 USD a month beyond what AWS gives each account for nothing, 10 at list prices, most of it for keys and for what "
    "watches; `salesflow-ops costs` says it exactly afterwards."
)
CREDENTIALS = (
    "Get keys for your user in the AWS console (IAM, your user, Security credentials, Create access key) and run `aws configure`, or sign in with "
    "`aws sso login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY here. docs/deployer-policy.json is what the user has to be allowed."
)
STAYS = {
    "ReportsBucket": "aws s3 rb s3://{} --force --region {}",
    "StateTable": "aws dynamodb delete-table --table-name {} --region {}",
    "ShopsKey": "aws kms schedule-key-deletion --key-id {} --region {}",
    "SystemTokenSecret": "aws secretsmanager delete-secret --secret-id {} --region {}",
}
"""What CloudFormation leaves when the stack goes, since nobody could make it again; and how it is removed."""
LONGEST_NAME = 37
"""Of a stack: with the longest schedule's name behind it, it fills the 64 characters that EventBridge Scheduler takes."""
STDERR = 2
POLL_SECONDS = 5.0


@app.command(
    "deploy",
    of_shop=False,
    examples=["deploy", "deploy --stack shop2 --region ap-southeast-1", "deploy --yes --no-wait"],
)
def deploy(
    desk: Desk,
    *,
    config_file: Annotated[
        Path, typer.Option(dir_okay=False, show_default="samconfig.toml", help="The file with the answers.")
    ] = PLACE,
    wait: Annotated[bool, typer.Option(help="Wait until the links that AWS mails are clicked.")] = True,
    yes: YesOption = False,
) -> None:
    """Put the stack into your AWS account, or bring it up to date: checks, questions, build, change set, links, token, name, doctor.

    What is done already is not done again; Ctrl+C ends it anywhere, and the same command goes on.
    """
    brought_up(desk, config_file=config_file, wait=wait, yes=yes)


def brought_up(desk: Desk, *, config_file: Path, wait: bool, yes: bool, carried: bool = False) -> None:
    """Deploy with what the file says, step by step, and look at what came of it. `carried`: what an older stack was told is safe.

    Raises Misused for an older stack where it is not.
    """
    if desk.target.local:
        raise Misused(
            "The local cloud's own stack is deployed by `up`.",
            action="For another one beside it, run the lines that `up` prints (export AWS_...), and say --stack NAME without --local.",
        )
    if len(desk.target.stack or "") > LONGEST_NAME:
        raise Misused(
            f"{desk.target.stack} has more than {LONGEST_NAME} characters, and EventBridge's schedules are named by the stack.",
            action="Take a shorter name: --stack.",
        )
    sam = _sam()
    _step(desk, 1, "Who you are")
    desk = _with_region(desk, config_file)
    _credentials(desk)
    _step(desk, 2, "What it has to know")
    if not carried:
        _refuse_older(desk)
    _answers(desk, config_file)
    environment = environment_of(desk.target.stack, config_file)
    _step(desk, 3, "Build (two minutes the first time)")
    _run([sam, "build"])
    _step(desk, 4, f"Change set. {A_MONTH}")
    words = ["--config-file", str(config_file.resolve()), "--config-env", environment, "--no-fail-on-empty-changeset"]
    words += ["--no-confirm-changeset"] if yes else []
    _run([sam, "deploy", *words, *_where(desk)])
    desk = Desk(desk.target, desk.out)  # what was looked up before the stack was there is looked up anew
    _step(desk, 5, "Links that AWS mails")
    _links(desk, wait=wait)
    _step(desk, 6, "The system token, and the shop's name")
    from ops.commands.init import stored_token

    if _token_is_there(desk.stack):
        desk.out.note("It is there; `salesflow-ops init --token-only` stores another.")
    else:
        stored_token(desk, None)
    _name(desk)
    _step(desk, 7, "Doctor")
    from ops.commands.doctor import examined, tell

    found = examined(desk)
    tell(desk, found, found)
    named = "" if desk.target.stack is None else f" --stack {desk.target.stack}"
    desk.out.note(f"Next: salesflow-ops run report --notify owner{named} makes yesterday's report, for you alone.")


@app.command("destroy", of_shop=False, examples=["destroy", "destroy --stack shop2 --yes"])
def destroy(desk: Desk, *, yes: YesOption = False) -> None:
    """Take the stack down. Its bucket, table and secret stay, since nobody could make them again; how to remove them is said."""
    stack = desk.stack
    kept = {name: stack.physical_id(name) for name in STAYS if name in stack.resources}
    desk.out.note(
        f"{len(stack.resources) - len(kept)} of {len(stack.resources)} resources of {stack.name} in {stack.region} go."
    )
    if not desk.out.confirm(f"Take {stack.name} down? No report comes any more.", yes=yes):
        raise typer.Exit(ExitCode.FAILED)
    client = stack.client("cloudformation")
    with desk.out.progress(f"Taking {stack.name} down"):
        client.delete_stack(StackName=stack.name)
        try:
            client.get_waiter("stack_delete_complete").wait(
                StackName=stack.name, WaiterConfig={"Delay": POLL_SECONDS, "MaxAttempts": 360}
            )
        except WaiterError as error:
            raise Failed(
                f"{stack.name} was not taken down: {error}.",
                action="CloudFormation's events of the stack say why; try again.",
            ) from None
    desk.out.show(
        {"destroyed": stack.name, "stays": kept},
        Facts(
            "It is gone. This stays, until you remove it",
            [(name, STAYS[name].format(physical, stack.region)) for name, physical in kept.items()],
        ),
    )


def _step(desk: Desk, number: int, what: str) -> None:
    desk.out.note(f"{number}/7  {what}", style="bold")


def _sam() -> str:
    """The SAM CLI beside this Python, or of the shell. Raises Failed."""
    beside = Path(sys.executable).with_name("sam")
    found = str(beside) if beside.exists() else shutil.which("sam")
    if found is None:
        raise Failed(
            "The SAM CLI is not here.", action="`make setup` installs it, with all else that a deployment needs."
        )
    return found


def _with_region(desk: Desk, config_file: Path) -> Desk:
    """The desk with a region: that of the options, the shell, the file, or the one that is typed."""
    from ops.commands.init import region_of

    if desk.target.region:
        return desk
    region = region_of(desk.target.stack, config_file)
    return Desk(replace(desk.target, region=region), desk.out)


def _credentials(desk: Desk) -> None:
    """Whether AWS knows who calls. Raises NoAccess with how to get credentials."""
    try:
        who = desk.stack.client("sts").get_caller_identity()
    except (ClientError, BotoCoreError) as error:
        complaint = explained(error)
        if isinstance(complaint, NoAccess):
            raise NoAccess(complaint.message, action=CREDENTIALS) from None
        raise
    desk.out.note(f"{who['Arn']}, account {who['Account']}, {desk.stack.region}")


def _answers(desk: Desk, config_file: Path) -> None:
    """Ask, unless the file has what a deployment needs. Raises Misused where nobody can be asked, Failed for links without room."""
    from ops.quota import WITHOUT, no_room_for_links

    known = read_parameters(config_file, desk.target.stack)
    if all(known.get(name) for name in NEEDED):
        if known.get("LinksState") == "ENABLED" and (refused := no_room_for_links(desk)):
            raise Failed(refused, action=WITHOUT)
        desk.out.note(
            f"{config_file.name} has it: {known['SalesFlowApiUrl']}, from {known['MailSender']}. `init` asks anew."
        )
        return
    from ops.commands.init import written

    written(desk, {}, config_file)


def _refuse_older(desk: Desk) -> None:
    """Refuse to deploy over an older version whose Parameters say what nothing would say any more. Raises Misused."""
    from ops.upgrade import is_older

    try:
        older = is_older(desk.stack.parameters)
    except (ClientError, BotoCoreError):
        return  # there is no stack yet, or it cannot be asked, which the deployment says better
    if older:
        raise Misused(
            f"{desk.stack.name} is of an older version, and what its Parameters say would be lost.",
            action="Carry it: salesflow-ops upgrade (--dry-run shows what becomes of it).",
        )


def _where(desk: Desk) -> list[str]:
    """The stack, region and profile for the SAM CLI."""
    target = desk.target
    said = {"--stack-name": desk.stack.name, "--region": desk.stack.region, "--profile": target.profile}
    return [word for name, value in said.items() if value for word in (name, value)]


def _run(command: Sequence[str]) -> None:
    """Run a program of the SAM CLI in the repository, its words shown as they come. Raises Failed."""
    environment = {
        **os.environ,
        "SAM_CLI_TELEMETRY": "0",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, stdout=STDERR, check=False)  # noqa: S603 - the SAM CLI
    if done.returncode:
        raise Failed(
            f"`{' '.join(Path(word).name if n == 0 else word for n, word in enumerate(command))}` ended with {done.returncode}.",
            action="What it said stands above. The same command goes on from here.",
        )


def _links(desk: Desk, *, wait: bool) -> None:
    """Say which links are still to be clicked, and wait for them."""
    pause = Event()
    told: list[str] = []
    while waiting := _unclicked(desk):
        if waiting != told:
            for one in waiting:
                desk.out.note(one, style="yellow")
            told = waiting
            if wait:
                desk.out.note("Waiting for it; Ctrl+C ends the waiting, and the same command comes back to it.")
        if not wait:
            return
        pause.wait(POLL_SECONDS)
    desk.out.note("All are clicked.", style="green")


def _unclicked(desk: Desk) -> list[str]:
    """The links that nobody has clicked yet, in words; what may not be looked at is left to the doctor."""
    stack, found = desk.stack, []
    try:
        if "MailIdentity" in stack.resources:
            sender = stack.settings.mail_sender
            identity = stack.client("sesv2").get_email_identity(EmailIdentity=sender)
            if not identity.get("VerifiedForSendingStatus"):
                found.append(f"SES has mailed {sender}: click the link in it, or no mail goes out.")
        pages = stack.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=stack.owner_topic)
        found += [
            f"SNS has mailed {one['Endpoint']} (AWS Notification - Subscription Confirmation): click its link to hear of alarms."
            for page in pages
            for one in page["Subscriptions"]
            if one["SubscriptionArn"] == "PendingConfirmation"
        ]
    except (ClientError, BotoCoreError, Complaint) as error:
        complaint = explained(error)
        desk.out.note(f"Whether all links are clicked could not be seen: {complaint.message if complaint else error}")
    return found


def _name(desk: Desk) -> None:
    """Ask for the shop's name, where it has none and somebody is there to be asked."""
    from ops.commands.init import is_terminal, prompted
    from ops.shop_settings import wanted, write

    if desk.stack.settings.shop_name:
        return
    if not is_terminal():
        desk.out.note("The shop has no name on its reports: settings set shop_name NAME.")
        return
    asks = "The shop's name, as its reports and mails show it (nothing: none)"
    name = prompted(asks, "", lambda text: wanted("shop_name", text))
    if name:
        write(desk.stack, {"shop_name": name})


def _token_is_there(stack: Stack) -> bool:
    client: Any = stack.client("secretsmanager")
    try:
        return bool(client.get_secret_value(SecretId=stack.secret).get("SecretString"))
    except client.exceptions.ResourceNotFoundException:
        return False
