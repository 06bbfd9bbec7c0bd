"""From `template.yaml` to plain CloudFormation: what `sam package` and the SAM transform do, without AWS."""

from __future__ import annotations

import copy
import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml
from samtranslator.parser.parser import Parser
from samtranslator.public.exceptions import InvalidDocumentException
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import intrinsics_multi_constructor

from local.errors import LocalCloudError

NOT_PACKAGED = {"__pycache__", ".git", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
CODE_PROPERTIES = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
}


class _Template(yaml.CSafeLoader):
    """YAML with CloudFormation's short intrinsics."""


_Template.add_multi_constructor("!", intrinsics_multi_constructor)


@dataclass(frozen=True, slots=True)
class Package:
    """A template whose local folders have become objects in a bucket.

    `folders` says which folder each function's or layer's code came from, by the object's key.
    """

    template: dict[str, Any]
    folders: Mapping[str, Path]


def load_template(path: Path) -> dict[str, Any]:
    """The SAM template as data, with short intrinsics (`!Ref`) written out; raises LocalCloudError if it is none."""
    try:
        template = load_text(path.read_text("utf-8"))
    except OSError as error:
        raise LocalCloudError(f"There is no template at {path}: {error.strerror}.") from error
    if not isinstance(template, dict) or "Resources" not in template:
        raise LocalCloudError(f"{path} is no template: it has no Resources.")
    return template


def load_text(text: str) -> Any:
    """A template's text (YAML or JSON) as data, with short intrinsics written out."""
    return yaml.load(text, _Template)  # noqa: S506 - a safe loader


def package(template: Mapping[str, Any], folder: Path, bucket: str, upload: Callable[[str, bytes], None]) -> Package:
    """Zip every local `CodeUri` and `ContentUri` (relative to `folder`) and give each to `upload(key, content)`.

    The same folder gives the same key. Raises LocalCloudError for a folder that does not exist.
    """
    packaged = copy.deepcopy(dict(template))
    folders: dict[str, Path] = {}
    defaults = packaged.get("Globals", {}).get("Function", {})
    for logical_id, resource in packaged["Resources"].items():
        name = CODE_PROPERTIES.get(resource.get("Type"))
        if name is None:
            continue
        properties = resource.setdefault("Properties", {})
        uri = properties.get(name, defaults.get(name) if resource["Type"].endswith("Function") else None)
        if not isinstance(uri, str) or uri.startswith("s3://"):
            continue
        source = (folder / uri).resolve()
        if not source.is_dir():
            raise LocalCloudError(f"{logical_id} says {name}: {uri}, but {source} is no folder.")
        content = zipped(source)
        key = f"{logical_id}/{hashlib.sha256(content).hexdigest()[:32]}.zip"
        upload(key, content)
        folders[key] = source
        properties[name] = f"s3://{bucket}/{key}"
    return Package(packaged, folders)


def zipped(folder: Path) -> bytes:
    """The folder as a zip archive: the same files give the same bytes. An empty folder gets a marker, as zips need one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        files = sorted(
            p for p in folder.rglob("*") if p.is_file() and not NOT_PACKAGED & set(p.relative_to(folder).parts)
        )
        for file in files:
            info = zipfile.ZipInfo(file.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, file.read_bytes())
        if not files:
            archive.writestr(zipfile.ZipInfo(".empty", (1980, 1, 1, 0, 0, 0)), b"")
    return buffer.getvalue()


def translate(template: Mapping[str, Any], parameters: Mapping[str, str], region: str) -> dict[str, Any]:
    """The SAM template as plain CloudFormation, by AWS's own translator; raises LocalCloudError with what it refuses.

    The translator would ask IAM for the managed policies' names: here it knows none, and a template must name them by ARN.
    """
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=region))
    try:
        translated: dict[str, Any] = translator.translate(copy.deepcopy(dict(template)), dict(parameters))
    except InvalidDocumentException as error:
        reasons = "; ".join(cause.message for cause in error.causes)
        raise LocalCloudError(f"The template is not valid SAM: {reasons}") from error
    translated.pop("Transform", None)
    return translated
