"""An operator's changes of the settings, killed, overtaken by another operator's and disturbed at each call; then each is made again.

At any moment the shop's settings are as before the command or as after it, each version says what it changed, and the command that is
repeated ends as one that nobody disturbed. Of two operators at the same moment both take effect, in one order or the other: who was
slower is told so, and repeats. The oracle reads the table's rows itself.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.reliability.clicks import Click, Clicked, Shop, disturbed, killed, together
from tests.reliability.containers import COMMAND_LINE
from tests.reliability.faults import Fault
from tests.reliability.hosts import ROOT
from tests.reliability.world import BUCKET, READERS, REGION, TABLE_OF_STATE, World

PARAMETERS = ROOT / "tests" / "integration" / "ops" / "parameters-1.0.0.json"
"""What a stack of version 1.0.0 is told, and its defaults."""
SAID = {"StaleAfterHours": "48", "Holidays": "CN,2026-12-24=Christmas Eve", "SalesPdfHour": "8"}
STACK = "salesflow"
CONFIG = "CONFIG"
"""Stands for the file with the answers in a command's words."""


@dataclass(frozen=True)
class Command(Click):
    """A command line; `deed` is the setting that it changes."""

    arguments: tuple[str, ...] = ()


def _command(deed: str, *arguments: str) -> Command:
    return Command(" ".join(arguments), deed=deed, arguments=arguments)


FIVE, SEVEN = (_command("lead_days", "settings", "set", "lead_days", days) for days in "57")
UNSET = _command("lead_days", "settings", "unset", "lead_days")
FIRST_AGAIN = _command("lead_days", "settings", "restore", "1")
EURO = _command("currency", "settings", "set", "currency", "EUR")
NEW, OTHER = (
    _command("report_recipients", "recipients", "add", f"{name}@shop.example.com") for name in ("new", "other")
)
GONE = _command("report_recipients", "recipients", "remove", READERS[1])
UPGRADE = _command("holidays", "upgrade", "--yes", "--no-wait", "--config-file", CONFIG)

ALONE: tuple[tuple[Command, ...], ...] = (
    (FIVE,),
    (FIVE, SEVEN),
    (FIVE, UNSET),
    (FIVE, SEVEN, FIRST_AGAIN),
    (EURO,),
    (NEW,),
    (NEW, GONE),
    (UPGRADE,),
)
"""Commands one after another, of which the last one is disturbed."""

TOGETHER: tuple[tuple[Command, ...], ...] = (
    (FIVE, NEW),
    (NEW, OTHER),
    (FIVE, SEVEN),
    (FIVE, SEVEN, FIRST_AGAIN, NEW),
    (UPGRADE, NEW),
)
"""Commands of which the last two are given at the same moment."""


class DeskShop(Shop):
    """A shop of a stack that version 1.0.0 was deployed for, and who operates it."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        world.deploy_table_and_bucket = self._deploy
        self._config: Path = world.host.folder / "samconfig.toml"

    def _deploy(self) -> None:
        """A stack of what a command looks up."""
        parameters = {name: said or "" for name, said in json.loads(PARAMETERS.read_text()).items()} | SAID
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        environment = {name: said for name, said in self.world.environment().items() if not name.startswith("AWS_")}
        function = {
            "Runtime": "python3.13",
            "Handler": "app.lambda_handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": "def lambda_handler(event, context): ..."},
            "Environment": {"Variables": environment},
        }
        resources = {
            "ReportsBucket": ("AWS::S3::Bucket", {"BucketName": BUCKET}),
            "StateTable": ("AWS::DynamoDB::Table", TABLE_OF_STATE),
            "Role": ("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}}),
            "ReportFunction": ("AWS::Lambda::Function", function),
        }
        template = {
            "Parameters": {name: {"Type": "String"} for name in parameters},
            "Resources": {name: {"Type": kind, "Properties": said} for name, (kind, said) in resources.items()},
        }
        self.world.client("cloudformation").create_stack(
            StackName=STACK,
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": name, "ParameterValue": str(said)} for name, said in parameters.items()],
        )

    def begin(self, before: Sequence[Click]) -> None:
        """The stack as after these commands, and no file with answers before them."""
        self._config.unlink(missing_ok=True)
        super().begin(before)

    def event(self, click: Click) -> tuple[str, dict[str, Any]]:
        """The command line, on a machine of its own."""
        assert isinstance(click, Command)
        words = [str(self._config) if word == CONFIG else word for word in click.arguments]
        return COMMAND_LINE, {"arguments": [*words, "--stack", STACK, "--region", REGION]}

    def standing(self) -> tuple[int, str]:
        """How many versions there are, and what the newest one says."""
        versions = sorted(self._versions(), key=lambda row: row["sk"]["S"])
        return len(versions), json.dumps(versions[-1]["values"], sort_keys=True) if versions else ""

    def aside(self) -> object:
        """The file with the answers."""
        return self._config.read_text() if self._config.exists() else None

    def recorded(self, deed: str) -> int:
        """How many versions say that they changed a setting, who did it, and when."""
        return sum(
            {"S": deed} in row["changed"]["L"] and bool(row["changed_by"]["S"]) and bool(row["changed_at"]["S"])
            for row in self._versions()
        )

    def _versions(self) -> list[dict[str, Any]]:
        return [row for row in self.world.rows() if row["pk"]["S"] == "settings"]


def change_all(*, quick: bool = False) -> Clicked:
    """Everything above. quick: the calls that change something, and of the faults a few."""
    changed = Clicked()
    only = ("dynamodb PutItem",) if quick else ()
    faults = (Fault.CUT_AFTER, Fault.DENIED, Fault.THROTTLED) if quick else None
    with World.opened() as world:
        shop = DeskShop(world)
        for each in (ALONE[0], ALONE[-1]) if quick else ALONE:
            killed(shop, each, changed, only=only)
            disturbed(shop, each, changed, faults=faults, only=only or ("dynamodb", "s3"))
        for each in TOGETHER[:2] if quick else TOGETHER:
            together(shop, each, changed, only=only)
    return changed


def change_a_few() -> tuple[Clicked, Clicked]:
    """What came of the calls that write alone, and what came of two operators of whom the later one writes over the other."""
    changed, overwritten, writes = Clicked(), Clicked(), ("dynamodb PutItem",)
    with World.opened() as world:
        shop = DeskShop(world)
        for each in ((FIVE,), (UPGRADE,)):
            killed(shop, each, changed, only=writes)
            disturbed(shop, each, changed, faults=[Fault.CUT_AFTER, Fault.DENIED], only=writes)
        together(shop, (FIVE, NEW), changed, only=writes)
        together(shop, (FIVE, NEW), overwritten, broken="choices over each other", only=writes)
    return changed, overwritten
