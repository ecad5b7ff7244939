"""`driftmeter notify`: send what is waiting now, or a test message."""

from typing import Annotated

import typer

from driftmeter import settings
from driftmeter.errors import DriftmeterError


def notify(
    test: Annotated[bool, typer.Option("--test", help="A test message to each address.")] = False,
) -> None:
    """Tell people of incidents that opened or closed, as Dagster's sensor does every 30 seconds.

    Addresses are Apprise's, in DRIFTMETER_NOTIFY_URLS, separated by spaces or commas.
    """
    urls = settings.notify_urls()
    if not urls:
        raise DriftmeterError(
            "nobody is to be told",
            where="DRIFTMETER_NOTIFY_URLS",
            fix="set it to Apprise addresses, such as mailto:// or slack://",
        )
    from driftmeter.incidents import messages as notifications

    if test:
        answers = notifications.send_test(urls)
        for name, took in answers.items():
            typer.echo(f"{name}  {'sent' if took else 'refused, or no address that Apprise knows'}")
        raise SystemExit(0 if all(answers.values()) else 1)
    from driftmeter.warehouse import connection

    done = notifications.deliver(connection.engine(), urls)
    for delivery in done:
        why = f" ({delivery.reason})" if delivery.reason else ""
        typer.echo(f"{delivery.state}  {delivery.message.title}{why}")
    if not done:
        typer.echo("nothing is waiting")
    raise SystemExit(0 if all(delivery.state == "sent" for delivery in done) else 1)
