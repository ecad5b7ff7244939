"""The `driftmeter` program, from its first moment on: whatever it does may be ended."""

from dagster_driftmeter.runs.ending import ending_at_signals


def main() -> None:
    """Run the command line as the whole of this process, which ends with it."""
    with ending_at_signals():
        # Late: it takes half a second to import.
        from dagster_driftmeter.cli.app import run_app

        run_app()
