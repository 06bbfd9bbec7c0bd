"""The pages behind links: whole in every language, nothing of anybody's in them that could run."""

import base64
import hashlib
import re

import pytest

from salesflow.language import Language
from salesflow.links.pages import Page, Section, failed, refused, sent_on, shown, stored_page

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
PAGE = Page(
    HOSTILE,
    HOSTILE,
    HOSTILE,
    (HOSTILE,),
    (Section(HOSTILE, ((HOSTILE, HOSTILE),), (HOSTILE,), (("quiet", HOSTILE),)),),
)


@pytest.mark.parametrize("language", Language)
def test_a_refusal_is_the_same_each_time_in_the_shop_s_language(language: Language) -> None:
    answer = refused(language)
    assert answer == refused(language)
    assert answer.status == 404
    assert f'<html lang="{language.tag}">' in answer.body
    assert (language is Language.EN) == ("not good any more" in answer.body)
    assert failed(language).status == 503


def test_names_stay_text_and_the_style_sheet_is_the_one_that_the_policy_names() -> None:
    answer = shown(PAGE, Language.EN)
    assert "<script" not in answer.body
    assert "<img" not in answer.body
    style = re.search(r"<style>(.*?)</style>", answer.body, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "script-src" not in policy
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    "answer", [shown(PAGE, Language.EN), refused(Language.EN), sent_on("https://s3/x"), stored_page("<p>")]
)
def test_no_answer_is_kept_indexed_or_told_on(answer: object) -> None:
    headers = answer.as_lambda()["headers"]  # type: ignore[attr-defined]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"].startswith("noindex")
    assert not {"Set-Cookie", "Refresh"} & headers.keys()


def test_a_head_has_the_headers_and_no_body() -> None:
    answer = shown(PAGE, Language.EN)
    assert answer.as_lambda(with_body=False)["body"] == ""
    assert answer.as_lambda(with_body=False)["headers"] == answer.as_lambda()["headers"]
