"""Errors named after what went wrong for the operator; each says what to do next."""


class SalesFlowError(Exception):
    """Base of every error that this system raises on purpose.

    `message` says what is wrong and where, `action` what the operator can do about it. Neither ever holds a secret.
    """

    def __init__(self, message: str, *, action: str) -> None:
        super().__init__(message)
        self.message = message
        self.action = action

    def __str__(self) -> str:
        return f"{self.message} {self.action}"


class InvalidSettings(SalesFlowError):
    """The function's environment is missing variables or holds bad ones; all of them are named in one message."""


class InvalidJobEvent(SalesFlowError):
    """The event asks for something that the job does not do; names the field and what is allowed. Nothing was run."""


class SystemTokenMissing(SalesFlowError):
    """The secret does not exist, is empty, may not be read, or holds none of the three accepted forms."""


class SystemTokenRejected(SalesFlowError):
    """The SalesFlow API refused the system token, also after a fresh read of the secret or a fresh login."""


class SourceUnavailable(SalesFlowError):
    """The SalesFlow API could not be reached or kept failing after all retries."""


class SourceAccessDenied(SalesFlowError):
    """The system account is known but not allowed to make this call (HTTP 403)."""


class SourceNotFound(SalesFlowError):
    """The SalesFlow API has no such product or no such call (HTTP 404)."""


class SourceContractBroken(SalesFlowError):
    """An answer is not what the API promises: not JSON, another shape, or more than 1% bad records.

    The message names the call and, where there is one, the record and the field.
    """


class HistoryUnavailable(SalesFlowError):
    """S3 could not be reached, kept failing, or refused the call on a history object; names the key and what S3 said."""


class HistoryConflict(SalesFlowError):
    """Another run kept rewriting the same history object; the conditional write lost every time."""


class HistoryDamaged(SalesFlowError):
    """A stored history object cannot be read back; names the key and how to rebuild it."""


class HistoryWrittenOtherwise(SalesFlowError):
    """A stored history object was written under other settings, which make other figures; names the key and the settings."""


class HistoryOfNewerVersion(SalesFlowError):
    """A stored history object has a form that only a newer version of this software knows; names the key."""


class SourceForgetsSales(SalesFlowError):
    """The source no longer gives a large part of the sales that are stored, and a second read says something else again."""


class ArtifactDamaged(SalesFlowError):
    """What was read back from S3 is not what was written: size, hash, or the file does not open."""


class ClaimLost(SalesFlowError):
    """Another run took over this run's claim (its lease had ended); this one stops before it does harm."""


class DateHeld(SalesFlowError):
    """The date is held by a try of the same firing that was ended from outside, or by a run that tells fewer; it did not get
    free in time. The run is not refused: it is to be tried again."""


class EditionLost(SalesFlowError):
    """Some readers have got an edition whose saved files are gone, so the others cannot get the same figures."""


class OutOfTime(SalesFlowError):
    """The function's time is nearly over; the run stopped itself before its next stage, so that the retry finds its date free."""


class DeliveryIncomplete(SalesFlowError):
    """Some recipients could not be told for a reason that a retry may cure; the others are recorded and not told again."""
