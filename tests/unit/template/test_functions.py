"""Are the functions set up so that they start, and so that nothing they lose is lost silently?"""

import pytest

from local.cloud.template import load_template
from salesflow.settings import Settings, ShopSettings
from tests.unit.template.stack import ROOT, TEMPLATE, functions, of_type, parameters, referred, statements

CONTRACT = {
    "SALESFLOW_API_URL",
    "SYSTEM_TOKEN_SECRET_ID",
    "REPORTS_BUCKET",
    "STATE_TABLE",
    "TIMEZONE",
    "MAIL_SENDER",
    "REPORT_RECIPIENTS",
    "ALERT_RECIPIENTS",
    "OWNER_RECIPIENTS",
    "SES_REGION",
    "CURRENCY",
}
STARTS_FROM = {"LANGUAGE_CODE"}
"""What the stack's own shop starts from, beside the contract's; everything else that a shop wants is its row's to say."""
POWERTOOLS = {"LOG_LEVEL", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME"}
ROLE_OF = {
    "ReportFunction": "ReportRole",
    "SyncHistoryFunction": "SyncHistoryRole",
    "ForecastFunction": "ForecastRole",
    "AnomalyCheckFunction": "AnomalyCheckRole",
    "WatchdogFunction": "WatchdogRole",
    "MailEventsFunction": "MailEventsRole",
    "LinksFunction": "LinksRole",
}
MAILS_LINKS = {"ReportFunction", "AnomalyCheckFunction"}
"""Those that name the links' function; it cannot name itself."""


def test_the_jobs_can_be_bounded_and_are_not_by_default() -> None:
    assert parameters()["ReservedConcurrency"]["Default"] == 0
    for name in ("ReportFunction", "SyncHistoryFunction", "ForecastFunction", "AnomalyCheckFunction"):
        condition, bounded, otherwise = functions()[name]["ReservedConcurrentExecutions"]["Fn::If"]
        assert (condition, bounded) == ("IsBounded", {"Ref": "ReservedConcurrency"})
        assert otherwise == {"Ref": "AWS::NoValue"}, "zero would stop it"


def environment(function: str) -> set[str]:
    return set(functions()[function]["Environment"]["Variables"])


@pytest.mark.parametrize("function", functions())
def test_the_environment_is_the_contract_s_and_what_the_settings_read(function: str) -> None:
    settings = {name.upper() for name in Settings.model_fields}
    infrastructure = settings - {name.upper() for name in ShopSettings.model_fields}
    infrastructure -= set() if function in MAILS_LINKS else {"LINKS_URL"}
    assert environment(function) == CONTRACT | infrastructure | STARTS_FROM | POWERTOOLS | {"AWS_ENDPOINT_URL"}
    assert settings >= CONTRACT | STARTS_FROM
    assert {name.upper() for name, field in Settings.model_fields.items() if field.is_required()} == CONTRACT


@pytest.mark.parametrize("function", functions())
def test_a_deployed_function_talks_to_aws_itself(function: str) -> None:
    """`sam local` needs the variable's name in the template; a deployment without an endpoint does not set it."""
    variable = functions()[function]["Environment"]["Variables"]["AWS_ENDPOINT_URL"]
    assert variable == {"Fn::If": ["IsAwsElsewhere", {"Ref": "AwsEndpointUrl"}, {"Ref": "AWS::NoValue"}]}
    assert load_template(TEMPLATE)["Conditions"]["IsAwsElsewhere"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "AwsEndpointUrl"}, ""]}]
    }
    assert parameters()["AwsEndpointUrl"]["Default"] == ""


@pytest.mark.parametrize("function", functions())
def test_what_fails_for_good_is_kept(function: str) -> None:
    (config,) = (
        c for c in of_type("AWS::Lambda::EventInvokeConfig").values() if function in referred(c["FunctionName"])
    )
    assert config["MaximumRetryAttempts"] == 2
    assert config["MaximumEventAgeInSeconds"] == 3600
    assert referred(config["DestinationConfig"]["OnFailure"]) == {"FailedRuns"}
    (loud,) = (s for s in statements(ROLE_OF[function]) if s["Action"] == "sqs:SendMessage")
    assert referred(loud["Resource"]) == {"FailedRuns"}, "without the permission, Lambda drops the event"


@pytest.mark.parametrize("function", functions())
def test_logs_are_structured_and_end_some_day(function: str) -> None:
    logging = functions()[function]["LoggingConfig"]
    assert logging["LogFormat"] == "JSON"
    (group,) = referred(logging["LogGroup"])
    assert of_type("AWS::Logs::LogGroup")[group]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    name = functions()[function]["FunctionName"]["Fn::Sub"]
    assert of_type("AWS::Logs::LogGroup")[group]["LogGroupName"] == {"Fn::Sub": f"/aws/lambda/{name}"}


@pytest.mark.parametrize("function", functions())
def test_each_function_has_its_own_role(function: str) -> None:
    assert referred(functions()[function]["Role"]) == {ROLE_OF[function]}


@pytest.mark.parametrize("function", functions())
def test_the_handler_exists_and_runs_on_the_chosen_processor(function: str) -> None:
    name = functions()[function]["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
    source = ROOT / "functions" / name.replace("-", "_") / "app.py"
    assert functions()[function]["Handler"] == "app.lambda_handler"
    assert "def lambda_handler(" in source.read_text(encoding="utf-8")
    assert functions()[function]["Architectures"] == [{"Ref": "Architecture"}]
    assert functions()[function]["Runtime"] == "python3.13"


def test_every_layer_is_built_by_make_for_the_chosen_processor() -> None:
    template = load_template(TEMPLATE)
    layers = {n: r for n, r in template["Resources"].items() if r["Type"] == "AWS::Serverless::LayerVersion"}
    rules = (ROOT / "layers" / "layers.mk").read_text(encoding="utf-8")
    for name, layer in layers.items():
        assert layer["Metadata"] == {
            "BuildMethod": "makefile",
            "BuildArchitecture": {"Ref": "Architecture"},
            "ContextPath": {"Fn::Sub": "layers/${Architecture}"},
        }, name
        assert f"\nbuild-{name}:" in rules, name
        assert (ROOT / layer["Properties"]["ContentUri"]).is_dir(), name
    for architecture in template["Parameters"]["Architecture"]["AllowedValues"]:
        makefile = ROOT / "layers" / architecture / "Makefile"
        assert f"ARCHITECTURE := {architecture}\n" in makefile.read_text(encoding="utf-8")


def test_each_architecture_has_its_guard() -> None:
    """Of these two layers a build fills one, and a stack makes one: Lambda refuses the empty one of a mismatch."""
    template = load_template(TEMPLATE)
    for architecture, condition in (("x86_64", "IsX86"), ("arm64", "IsArm64")):
        guard = template["Resources"][f"LayersBuiltFor{condition.removeprefix('Is')}"]
        assert guard["Condition"] == condition
        assert template["Conditions"][condition] == {"Fn::Equals": [{"Ref": "Architecture"}, architecture]}


def test_no_folder_of_functions_is_left_out() -> None:
    resources = load_template(TEMPLATE)["Resources"].values()
    named = {r["Properties"]["CodeUri"] for r in resources if r["Type"] == "AWS::Serverless::Function"}
    assert named == {f"functions/{path.parent.name}" for path in ROOT.glob("functions/*/app.py")}
