"""`driftmeter notify`: sends the messages that are waiting, or a test message."""

from typing import Annotated

import typer

from dagster_driftmeter.runs.terminal import say
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse import connection


def notify(
    test: Annotated[
        bool, typer.Option("--test", help="Send a test message to each address.")
    ] = False,
) -> None:
    """Send the waiting messages about incidents that opened or closed.

    Dagster's sensor incident_notifications sends them too, every 30 seconds.
    DRIFTMETER_NOTIFY_URLS holds the Apprise addresses, separated by spaces or commas.
    """
    urls = settings.notify_urls()
    if not urls:
        raise DriftmeterError(
            "names no address, so nobody can be told",
            where="DRIFTMETER_NOTIFY_URLS",
            fix="set it to Apprise addresses, such as mailto:// or slack://",
        )
    from driftmeter.incidents import messages as notifications

    if test:
        answers = notifications.send_test(urls)
        for name, took in answers.items():
            say(f"{name}  {'sent' if took else 'refused, or not an address of Apprise'}")
        raise SystemExit(0 if all(answers.values()) else 1)
    done = notifications.deliver(connection.engine(), urls)
    for delivery in done:
        why = f" ({delivery.reason})" if delivery.reason else ""
        say(f"{delivery.state}  {delivery.message.title}{why}")
    if not done:
        say("no message is waiting")
    raise SystemExit(0 if all(delivery.state == "sent" for delivery in done) else 1)
