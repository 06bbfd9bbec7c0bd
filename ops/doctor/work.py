"""Is there somewhere to save, does everything fire, did the last runs do their work, and would the owner hear of it?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from botocore.exceptions import ClientError

from ops import runs, schedules
from ops.doctor.findings import Finding, Look, Patient, fail, ok, warn
from ops.target import Stack
from salesflow.errors import HistoryDamaged, HistoryOfNewerVersion, SalesFlowError
from salesflow.ledger import RunStatus
from salesflow.shop_id import MAIN_SHOP

ALARM = "AWS::CloudWatch::Alarm"
AT_ONCE = 100
"""As many alarms as DescribeAlarms takes by name."""
DAYS_BACK = 3
NEARLY = 0.8
MISSING_BUCKET = {"404", "NoSuchBucket"}
CONFIRM = "click the link in the mail 'AWS Notification - Subscription Confirmation'; another one: aws sns subscribe"


def bucket(patient: Patient) -> Iterator[Finding]:
    """Whether the bucket answers."""
    name = patient.stack.bucket
    try:
        patient.stack.client("s3").head_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"].get("Code") not in MISSING_BUCKET:
            raise
        fix = "deploy under another --stack-name: CloudFormation takes the bucket for made and will not make it again"
        yield fail("bucket", f"{name} is gone", fix=fix)
        return
    yield ok("bucket", name)


def history(patient: Patient) -> Iterator[Finding]:
    """Whether the stored sales are as they were written, under the settings of now."""
    from salesflow.history.sync import History

    stack = patient.stack
    stored = History.of(stack.objects, stack.settings, with_lines=True)
    try:
        found = stored.look(patient.now.astimezone(stack.zone).date())
    except (HistoryDamaged, HistoryOfNewerVersion) as error:
        yield fail("history", error.message, fix=error.action)
        return
    for part, wrong in found.items():
        fix = "the next run reads it again from the SalesFlow API; at once: salesflow-ops run sync-history"
        yield warn("history", f"{part}: {wrong}", fix=fix)
    if not found:
        yield ok("history", "every month is as it was written")


def table(patient: Patient) -> Iterator[Finding]:
    """Whether the state table answers."""
    client, name = patient.stack.client("dynamodb"), patient.stack.state_table
    try:
        status = client.describe_table(TableName=name)["Table"]["TableStatus"]
    except client.exceptions.ResourceNotFoundException:
        fix = f"restore it under this name: aws dynamodb restore-table-to-point-in-time --target-table-name {name}"
        yield fail("state table", f"{name} is gone", fix=fix)
        return
    if status in {"ACTIVE", "UPDATING"}:
        yield ok("state table", name)
    else:
        yield fail("state table", f"{name} is {status}", fix="wait, look again; AWS's health dashboard says more")


def due(patient: Patient) -> Iterator[Finding]:
    """Whether every schedule of the template is there, fires, and is one that can be read."""
    standing = schedules.every(patient.stack)
    there = {one.schedule.name for one in standing}
    is_main = patient.stack.shop == MAIN_SHOP
    gone = sorted(patient.stack.physical_ids(schedules.SCHEDULE) - there) if is_main else []
    if not (standing or is_main):
        yield fail("schedules", "there is none", fix=f"salesflow-ops schedules put --shop {patient.stack.shop}")
        return
    if gone:
        fix = "change its hour by a minute and deploy: CloudFormation takes it for made"
        yield fail("schedules", f"{', '.join(gone)} gone", fix=fix)
    off = [one for one in standing if not one.schedule.enabled]
    paused = [one.id for one in off if not _is_off_on_purpose(patient.stack, one)]
    if paused:
        fix = f"salesflow-ops schedules resume {paused[0]}" + (", and so on" if len(paused) > 1 else "")
        yield warn("schedules", f"{', '.join(paused)} will not fire: paused", fix=fix)
    unreadable = False
    for one in standing:
        try:
            schedules.next_times(one.schedule, patient.now, 1)
            for day in schedules.skipped(one.schedule.expression, one.schedule.zone, patient.now):
                fix = "choose an hour from 4 to 21 for it"
                yield warn(
                    "schedules", f"{one.id} on {day}: clocks skip that time, and the watchdog fires it late", fix=fix
                )
        except SalesFlowError as error:
            unreadable = True
            yield fail("schedules", f"{one.id}: {error.message}", fix=error.action)
    if not (gone or paused or unreadable):
        switched_off = f", {len(off)} switched off by parameter" if off else ""
        yield ok("schedules", f"{len(standing) - len(off)} fire{switched_off}")


def _is_off_on_purpose(stack: Stack, standing: schedules.Standing) -> bool:
    """Whether the stack's own parameter says that this schedule does not fire."""
    wanted = schedules.state_parameter(stack, standing, enabled=False)
    return bool(wanted) and all(stack.parameters.get(name) == value for name, value in wanted.items())


def last_runs(patient: Patient) -> Iterator[Finding]:
    """What came of the newest run of each kind in the last days, and whether they come near their time-out."""
    today = patient.now.date()
    newest: dict[str, runs.Run] = {}
    for run in runs.between(patient.stack, today - timedelta(days=DAYS_BACK), today + timedelta(days=1)):
        newest.setdefault(run.record.identity.partition("@")[0], run)
    if not newest:
        fix = "fire one: salesflow-ops run report --type sales; or wait for the first schedule"
        yield warn("last runs", f"nothing ran in the last {DAYS_BACK} days", fix=fix)
        return
    yield from _outcomes(newest)
    yield from _durations(patient, list(newest.values()))


def _outcomes(newest: dict[str, runs.Run]) -> Iterator[Finding]:
    good = 0
    for identity, run in newest.items():
        said = f"{identity} of {run.record.business_date}: {run.status}: {run.record.reason}"
        show = f"salesflow-ops runs show {run.short_id}"
        match run.status:
            case RunStatus.FAILED | "ABANDONED":
                yield fail("last runs", said, fix=f"{show}; cure the reason, then salesflow-ops redrive")
            case RunStatus.PARTIAL | RunStatus.SKIPPED_STALE:
                yield warn("last runs", said, fix=f"{show}; cure the reason, then fire the date again")
            case _:
                good += 1
    if good == len(newest):
        yield ok("last runs", f"the newest of {good} kinds did their work")


def _durations(patient: Patient, newest: Sequence[runs.Run]) -> Iterator[Finding]:
    for run in newest:
        limit = patient.stack.function(run.job).timeout_seconds
        took = run.took
        if took is not None and took.total_seconds() > limit * NEARLY:
            fix = "raise the function's ...Timeout (to 900) or ...Memory, and deploy"
            yield warn("time-outs", f"{run.job} took {took.total_seconds():.0f} s of {limit} s", fix=fix)


def alarms(patient: Patient) -> Iterator[Finding]:
    """Whether an alarm of the stack is on."""
    names = sorted(patient.stack.physical_ids(ALARM))
    client = patient.stack.client("cloudwatch")
    found = [
        alarm
        for first in range(0, len(names), AT_ONCE)
        for alarm in client.describe_alarms(AlarmNames=names[first : first + AT_ONCE])["MetricAlarms"]
    ]
    gone = sorted(set(names) - {alarm["AlarmName"] for alarm in found})
    if gone:
        yield fail("alarms", f"{', '.join(gone)} gone", fix="change Description or a threshold, and deploy")
    ringing = [alarm for alarm in found if alarm["StateValue"] == "ALARM"]
    for alarm in ringing:
        why = alarm.get("StateReason", "no reason given")
        fix = f"{alarm.get('AlarmDescription') or 'see the dashboard'}"
        yield fail("alarms", f"{alarm['AlarmName']} is on: {why}", fix=fix)
    if not (gone or ringing):
        yield ok("alarms", f"none of {len(names)} is on")


def queues(patient: Patient) -> Iterator[Finding]:
    """Whether something waits to be fired again."""
    client = patient.stack.client("sqs")
    waiting = 0
    for url in (patient.stack.undelivered_queue, patient.stack.failed_queue):
        name = "ApproximateNumberOfMessages"
        found = client.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        waiting += int(found["Attributes"][name])
    if waiting:
        yield warn("queues", f"{waiting} events wait there, not done", fix="salesflow-ops redrive --dry-run")
    else:
        yield ok("queues", "both are empty")


def owner_hears(patient: Patient) -> Iterator[Finding]:
    """Whether somebody has confirmed to get the alarms."""
    topic = patient.stack.owner_topic
    found = patient.stack.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    pending = [one["Endpoint"] for one in found if not one["SubscriptionArn"].startswith("arn:")]
    if not found:
        yield fail(
            "owner's topic", "nobody has subscribed", fix=f"aws sns subscribe --protocol email --topic-arn {topic}"
        )
    for address in pending:
        yield fail("owner's topic", f"{address} has not confirmed its subscription", fix=CONFIRM)
    if found and not pending:
        yield ok("owner's topic", f"{', '.join(one['Endpoint'] for one in found)} hears of alarms")


LOOKS = (
    Look("bucket", ("s3:ListBucket",), bucket),
    Look("history", ("s3:ListBucket", "s3:GetObject"), history, of_shop=True),
    Look("state table", ("dynamodb:DescribeTable",), table),
    Look("schedules", ("scheduler:ListSchedules", "scheduler:GetSchedule"), due, of_shop=True),
    Look("last runs", ("dynamodb:Scan", "lambda:GetFunctionConfiguration"), last_runs, of_shop=True),
    Look("alarms", ("cloudwatch:DescribeAlarms",), alarms),
    Look("queues", ("sqs:GetQueueAttributes",), queues),
    Look("owner's topic", ("sns:ListSubscriptionsByTopic",), owner_hears),
)
