"""The sign of life: a service outside of AWS is asked for its page while all is well, and raises the alarm when that stops.

What nobody inside can tell, a whole account that stands still among it, is told so (healthchecks.io and the like).
"""

import urllib3

from salesflow.observability import logger

SECONDS = 5.0
"""How long an answer may take: the watchdog has other things to do."""


def beat(url: str) -> bool:
    """Ask for the page once; whether it was there. Never raises, follows no redirect, and logs no part of the address."""
    timeout = urllib3.Timeout(total=SECONDS)
    try:
        with urllib3.PoolManager(retries=False, timeout=timeout) as pool:
            status = pool.request("GET", url, redirect=False).status
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        logger.warning("no sign of life could be given", why=type(error).__name__)
        return False
    if status >= 300:
        logger.warning("no sign of life could be given", why=f"it answered {status}")
    return status < 300
