"""What AWS's services themselves ask IAM for on this stack's behalf: told by how the stack is deployed, not by calls.

Lambda writes the logs, sends traces, and sends on what failed, with the function's own role; EventBridge Scheduler calls
the functions with its role; CloudWatch's alarms publish, and the rule on SES's reports calls, by resource policies.
"""

import ast
import json
from collections.abc import Iterator

from local.cloud.cloud import LocalCloud
from tests.integration.permissions.evaluator import ACCOUNT, Asked, Policy, Question


def asked_by_lambda(cloud: LocalCloud, function: str) -> set[Asked]:
    """What Lambda does with the role of a function (by logical id)."""
    settings = cloud.stack.functions[function]
    client = cloud.aws.client("lambda")
    log_group = f"arn:aws:logs:{cloud.aws.region}:{ACCOUNT}:log-group:{settings.log_group}"
    stream = f"{log_group}:log-stream:2026/07/01/[$LATEST]0123"
    found = {Asked("logs:CreateLogStream", stream), Asked("logs:PutLogEvents", stream)}
    invoked = client.get_function_event_invoke_config(FunctionName=settings.name)
    queue = invoked["DestinationConfig"]["OnFailure"]["Destination"]
    return found | {Asked("sqs:SendMessage", queue, (("aws:SecureTransport", ("true",)),))}


def asked_when_clocks_go_forward(cloud: LocalCloud) -> set[Asked]:
    """What the watchdog asks for on the one morning of the year on which it fires what clocks went over."""
    jobs = ("ReportFunction", "SyncHistoryFunction", "ForecastFunction", "AnomalyCheckFunction")
    return {Asked("lambda:InvokeFunction", cloud.stack.functions[job].arn) for job in jobs}


def asked_for_other_shops(cloud: LocalCloud) -> set[Asked]:
    """What the watchdog asks for where the stack has other shops: which are late, and a run of its own for each of those."""
    table = f"arn:aws:dynamodb:{cloud.aws.region}:{ACCOUNT}:table/{cloud.stack.physical_id('StateTable')}"
    return {
        Asked("lambda:InvokeFunction", cloud.stack.functions["WatchdogFunction"].arn),
        Asked("dynamodb:Query", f"{table}/index/late", (("dynamodb:LeadingKeys", ("late#3",)),)),
    }


def asked_by_scheduler(cloud: LocalCloud) -> set[Asked]:
    """What EventBridge Scheduler does with the role of the schedules."""
    scheduler = cloud.aws.client("scheduler")
    found = set()
    for schedule in cloud.stack.of_type("AWS::Scheduler::Schedule"):
        group = cloud.stack.physical_id("ScheduleGroup")
        target = scheduler.get_schedule(Name=schedule.physical_id, GroupName=group)["Target"]
        assert target["RoleArn"].rpartition("/")[2] == cloud.stack.physical_id("SchedulerRole")
        found |= {
            Asked("lambda:InvokeFunction", target["Arn"]),
            Asked("sqs:SendMessage", target["DeadLetterConfig"]["Arn"], (("aws:SecureTransport", ("true",)),)),
        }
    return found


def asked_by_fleet(cloud: LocalCloud) -> set[Asked]:
    """What Step Functions does with the role of the machine that fires all shops, as its definition says; the last three are what
    the Developer Guide names for a distributed map (Creating IAM policies for Distributed Map states)."""
    machine = cloud.stack.physical_id("FleetMachine")
    described = cloud.aws.client("stepfunctions").describe_state_machine(stateMachineArn=machine)
    assert described["roleArn"].rpartition("/")[2] == cloud.stack.physical_id("FleetRole")
    fire = json.loads(described["definition"])["States"]["Fire"]
    shop, keep = (fire["ItemProcessor"]["States"][name] for name in ("Shop", "Keep"))
    assert [state["Resource"].rpartition(":::")[2] for state in (fire["ItemReader"], shop, keep)] == [
        "s3:getObject", "lambda:invoke", "sqs:sendMessage",
    ]  # fmt: skip
    queue = keep["Parameters"]["QueueUrl"].rpartition("/")[2]
    lists = f"arn:aws:s3:::{fire['ItemReader']['Parameters']['Bucket']}/fleet/rebuild-1/0.json"
    tls = (("aws:SecureTransport", ("true",)),)
    item = f"{machine.replace(':stateMachine:', ':execution:')}/Fire:0123"
    return asked_when_clocks_go_forward(cloud) | {
        Asked("s3:GetObject", lists, tls),
        Asked("sqs:SendMessage", f"arn:aws:sqs:{cloud.aws.region}:{ACCOUNT}:{queue}", tls),
        Asked("states:StartExecution", machine),
        Asked("states:DescribeExecution", item),
        Asked("states:StopExecution", item),
    }


def published_by_alarms(cloud: LocalCloud, topic_policy: Policy, *, account: str = ACCOUNT) -> Iterator[Question]:
    """What CloudWatch asks for each alarm that tells the owner; account: whose alarm it is."""
    names = [alarm.physical_id for alarm in cloud.stack.of_type("AWS::CloudWatch::Alarm")]
    alarms = cloud.aws.client("cloudwatch").describe_alarms(AlarmNames=names, MaxRecords=100)["MetricAlarms"]
    for alarm in alarms:
        for topic in {*alarm["AlarmActions"], *alarm["OKActions"]}:
            context = (
                ("aws:SecureTransport", ("true",)),
                ("aws:SourceAccount", (account,)),
                ("aws:SourceArn", (alarm["AlarmArn"].replace(ACCOUNT, account),)),
            )
            yield Question(
                Asked("sns:Publish", topic, context), "cloudwatch.amazonaws.com", resource_policy=topic_policy
            )


def own_rule(cloud: LocalCloud) -> str:
    """The ARN of the rule for SES's reports."""
    (own,) = cloud.stack.of_type("AWS::Events::Rule")
    name = own.physical_id.rpartition("/")[2]
    return str(cloud.aws.client("events").describe_rule(Name=name)["Arn"])


def handed_over(cloud: LocalCloud, source: str, service: str) -> Question:
    """What EventBridge or SNS asks to hand reports of messages over; source: the ARN of the rule or the topic."""
    settings = cloud.stack.functions["MailEventsFunction"]
    policy = json.loads(cloud.aws.client("lambda").get_policy(FunctionName=settings.name)["Policy"])
    for statement in policy["Statement"]:
        statement.pop("FunctionName", None)  # moto's, of some versions; the real service shows it as the resource
    context = (("aws:SourceArn", (source,)),)
    return Question(Asked("lambda:InvokeFunction", settings.arn, context), service, resource_policy=policy)


def assumed(cloud: LocalCloud, role: str, service: str, **context: str) -> Question:
    """What a service asks to take a role (by logical id) on."""
    found = cloud.aws.client("iam").get_role(RoleName=cloud.stack.physical_id(role))["Role"]
    trust = found["AssumeRolePolicyDocument"]
    policy = ast.literal_eval(trust) if isinstance(trust, str) else trust
    keys = tuple((f"aws:{key}", (value,)) for key, value in context.items())
    return Question(Asked("sts:AssumeRole", found["Arn"], keys), service, resource_policy=policy)
