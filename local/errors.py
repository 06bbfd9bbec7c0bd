"""What the local cloud cannot do."""


class LocalCloudError(Exception):
    """The local cloud cannot do what was asked of it; the message says what and why."""
