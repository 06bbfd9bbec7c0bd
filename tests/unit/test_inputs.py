"""What a job does without the stock: that depends on why there is none."""

from concurrent.futures import Future

import pytest

from salesflow.errors import SourceAccessDenied, SystemTokenMissing, SystemTokenRejected
from salesflow.jobs.inputs import _Counted, _counted


def failed(error: Exception) -> "Future[_Counted]":
    """A read of the stock that came to nothing."""
    counting: Future[_Counted] = Future()
    counting.set_exception(error)
    return counting


@pytest.mark.parametrize("kind", [SystemTokenMissing, SystemTokenRejected])
def test_a_bad_token_fails_the_run_whichever_read_asked_for_it(
    kind: type[SystemTokenMissing | SystemTokenRejected],
) -> None:
    """Else a report would say nothing of orders and costs only because the stock was the first to ask for the token."""
    with pytest.raises(kind):
        _counted(failed(kind("The token is bad.", action="Store another.")), need_stock=False, is_tried_again=False)


def test_an_account_that_may_not_read_the_stock_has_a_report_without_it() -> None:
    denied = SourceAccessDenied("The account may not.", action="Give it the role.")
    assert _counted(failed(denied), need_stock=False, is_tried_again=True) == (None, (), False)
    with pytest.raises(SourceAccessDenied):
        _counted(failed(denied), need_stock=True, is_tried_again=False)
