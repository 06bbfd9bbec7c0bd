"""Will SES take the mails, and will they come to whom they are for?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import botocore.session

from ops.doctor.findings import Finding, Look, Patient, fail, ok, unknown, warn
from salesflow.delivery.addresses import Mark, MarkedAddresses
from salesflow.jobs.recipients import everybody
from salesflow.setting_types import can_be_mailed
from salesflow.settings import Settings
from salesflow.shop_id import partition_prefix

NEARLY = 0.8
PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "aws-eusc")


def region(patient: Patient) -> Iterator[Finding]:
    """Whether SES exists where the mails go out from."""
    wanted = patient.stack.settings.ses_region
    if is_offered(wanted):
        yield ok("SES region", wanted)
        return
    fix = "set SesRegion to one that has it (ap-southeast-1), make identity and configuration set there, deploy"
    yield fail("SES region", f"SES is not offered in {wanted}", fix=fix)


def is_offered(name: str) -> bool:
    """Whether SES exists in a region, by the SDK's own list."""
    session = botocore.session.get_session()
    return any(name in session.get_available_regions("sesv2", partition_name=part) for part in PARTITIONS)


def _where_offered(take: Callable[[Patient], Iterator[Finding]]) -> Callable[[Patient], Iterator[Finding]]:
    """The look, taken only where SES exists; elsewhere that is what is wrong, and enough said."""

    def look(patient: Patient) -> Iterator[Finding]:
        if is_offered(patient.stack.settings.ses_region):
            yield from take(patient)

    return look


def account(patient: Patient) -> Iterator[Finding]:
    """Whether the account may send at all, to anybody, and how much is left of today's mails."""
    client = _ses(patient)
    found = client.get_account()
    if not found.get("SendingEnabled", True):
        yield fail(
            "SES sending",
            "it is paused for the whole account",
            fix=f"{_aws(patient)} put-account-sending-attributes --sending-enabled",
        )
    standing = found.get("EnforcementStatus", "HEALTHY")
    if standing == "SHUTDOWN":
        yield fail(
            "SES standing", "AWS has stopped this account's mails", fix="answer AWS's case in the Support Center"
        )
    elif standing == "PROBATION":
        yield warn("SES standing", "AWS reviews this account's mails", fix="answer AWS's case in the Support Center")
    if found.get("SendingEnabled", True) and standing == "HEALTHY":
        yield ok("SES sending", "the account may send")
    yield from _quota(found.get("SendQuota", {}))
    yield from _sandbox(patient, client, found)


def _quota(quota: Mapping[str, float]) -> Iterator[Finding]:
    most, sent = quota.get("Max24HourSend", -1), quota.get("SentLast24Hours", 0)
    more = "ask for more in Service Quotas: SES, Sending quota"
    if most < 0:
        yield ok("SES quota", "no limit a day")
    elif sent >= most:
        yield fail("SES quota", f"all {most:.0f} mails of 24 hours are sent", fix=f"wait, or {more}")
    elif sent > most * NEARLY:
        yield warn("SES quota", f"{sent:.0f} of {most:.0f} mails of 24 hours are sent", fix=more)
    else:
        yield ok("SES quota", f"{sent:.0f} of {most:.0f} mails of 24 hours are sent")


def _sandbox(patient: Patient, client: Any, found: Mapping[str, Any]) -> Iterator[Finding]:
    production = found.get("ProductionAccessEnabled")
    if production is None:
        yield unknown("SES sandbox", "SES does not say", fix="look at the SES console's account dashboard")
    elif production:
        yield ok("SES sandbox", "the account is out of it")
    else:
        shut_out = [address for address in _recipients(patient.stack.settings) if not _verified(client, address)]
        leave = "ask AWS for production access in the SES console"
        if shut_out:
            fix = f"{leave}; until then verify each: {_aws(patient)} create-email-identity --email-identity ADDRESS"
            yield fail("SES sandbox", f"the account is in it, and {', '.join(shut_out)} not verified", fix=fix)
        else:
            yield warn("SES sandbox", "the account is in it; all present recipients are verified", fix=leave)


def sender(patient: Patient) -> Iterator[Finding]:
    """Whether SES knows the sender, or its domain, as verified."""
    client, address = _ses(patient), patient.stack.settings.mail_sender
    domain = address.rpartition("@")[2]
    states = {name: _verified(client, name) for name in (address, domain)}
    if any(states.values()):
        name = next(name for name, state in states.items() if state)
        yield ok("sender", f"{name} is verified")
        return
    if states[address] is None and states[domain] is None:
        fix = f"{_aws(patient)} create-email-identity --email-identity {address}, and click the link that comes"
        yield fail("sender", f"SES knows neither {address} nor {domain}", fix=fix)
        return
    name = address if states[address] is False else domain
    fix = (
        f"click the link in the mail that SES sent to {name} (another: delete the identity and create it again)"
        if "@" in name
        else f"publish the DKIM records that SES shows for {name}"
    )
    yield fail("sender", f"{name} is not verified yet", fix=fix)


def configuration_set(patient: Patient) -> Iterator[Finding]:
    """Whether the configuration set that mails name is there and sends."""
    client, name = _ses(patient), patient.stack.settings.ses_configuration_set
    if not name:
        yield ok("configuration set", "none is named: bounces are not heard of")
        return
    try:
        found = client.get_configuration_set(ConfigurationSetName=name)
    except client.exceptions.NotFoundException:
        yield fail("configuration set", f"SES has no {name}", fix="deploy again; with SesRegion, create it there")
        return
    if found.get("SendingOptions", {}).get("SendingEnabled", True):
        yield ok("configuration set", f"{name} sends")
    else:
        fix = f"{_aws(patient)} put-configuration-set-sending-options --configuration-set-name {name} --sending-enabled"
        yield fail("configuration set", f"{name} is paused", fix=fix)


def recipients(patient: Patient) -> Iterator[Finding]:
    """Whether there are recipients, and SES mails them."""
    client, settings = _ses(patient), patient.stack.settings
    for name, addresses in (("reports", settings.report_recipients), ("alerts", settings.alert_recipients)):
        if not addresses:
            option = " --alerts" if name == "alerts" else ""
            yield warn("recipients", f"nobody gets the {name}", fix=f"salesflow-ops recipients add ADDRESS{option}")
    for address, problem in settings.unusable_addresses.items():
        yield fail(
            "recipients", f"{address} cannot be mailed", fix=f"{problem}; salesflow-ops recipients remove and add"
        )
    suppressed = [found for address in _recipients(settings) if (found := _suppression(client, address))]
    for address, reason in suppressed:
        fix = f"make sure that it works, then {_aws(patient)} delete-suppressed-destination --email-address {address}"
        yield fail("suppression list", f"SES mails {address} no more ({reason.lower()})", fix=fix)
    if not suppressed:
        yield ok("suppression list", f"none of {len(_recipients(settings))} recipients is on it")


def marks(patient: Patient) -> Iterator[Finding]:
    """Whether recipients are left out because they bounced or complained."""
    marked = MarkedAddresses(patient.stack.rows).all()
    bad = [marked[address.lower()] for address in everybody(patient.stack.settings) if address.lower() in marked]
    for mark in bad:
        if mark.is_own_choice:
            yield ok("marked addresses", mark.sentence)
            continue
        if mark.mark is Mark.REVOKED:
            yield fail("marked addresses", mark.sentence, fix=mark.cure)
            continue
        key = f'{{"pk": {{"S": "{partition_prefix(patient.stack.shop)}address"}}, "sk": {{"S": "{mark.address}"}}}}'
        table = patient.stack.state_table
        cure = f"aws dynamodb delete-item --table-name {table} --key '{key}'"
        if mark.lists:  # what its reader stopped outlives the mark
            cure = (
                f"aws dynamodb update-item --table-name {table} --key '{key}' --update-expression 'SET mark = :stopped' "
                f"""--expression-attribute-values '{{":stopped": {{"S": "{Mark.STOPPED}"}}}}'"""
            )
        fix = f"correct the recipients, or when it works again: {cure}"
        yield fail("marked addresses", mark.sentence, fix=fix)
    if not bad:
        yield ok("marked addresses", "no recipient is marked as bad")


def _recipients(settings: Settings) -> list[str]:
    """Everybody who can be mailed, each once."""
    return [one for one in everybody(settings) if can_be_mailed(one)]


def _verified(client: Any, identity: str) -> bool | None:
    """Whether SES may send with this identity; None for one that it does not know."""
    try:
        found = client.get_email_identity(EmailIdentity=identity)
    except client.exceptions.NotFoundException:
        return None
    return bool(found.get("VerifiedForSendingStatus"))


def _suppression(client: Any, address: str) -> tuple[str, str] | None:
    """The address and why SES mails it no more; None where it does."""
    try:
        found = client.get_suppressed_destination(EmailAddress=address)["SuppressedDestination"]
    except client.exceptions.NotFoundException:
        return None
    return address, str(found.get("Reason", ""))


def _ses(patient: Patient) -> Any:
    return patient.stack.client("sesv2", region=patient.stack.settings.ses_region)


def _aws(patient: Patient) -> str:
    return f"aws sesv2 --region {patient.stack.settings.ses_region}"


LOOKS = (
    Look("SES region", (), region),
    Look("SES account", ("ses:GetAccount", "ses:GetEmailIdentity"), _where_offered(account)),
    Look("sender", ("ses:GetEmailIdentity",), _where_offered(sender)),
    Look("configuration set", ("ses:GetConfigurationSet",), _where_offered(configuration_set)),
    Look("suppression list", ("ses:GetSuppressedDestination",), _where_offered(recipients), of_shop=True),
    Look("marked addresses", ("dynamodb:Query",), marks, of_shop=True),
)
