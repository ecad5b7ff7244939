"""What benchmarks are asked on the command line, where several are asked the same."""

import argparse
import datetime as dt
from pathlib import Path


def described(description: str | None) -> argparse.ArgumentParser:
    """A parser whose help is a module's docstring, line by line."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawTextHelpFormatter
    )


def of_days(description: str | None) -> argparse.ArgumentParser:
    """A parser that asks for days of a monitor in the warehouse."""
    parser = described(description)
    parser.add_argument("--monitor", default="trip_duration")
    parser.add_argument("--days", nargs=2, required=True, type=dt.date.fromisoformat)
    parser.add_argument("--name", required=True, help="of these trips: simulated, or real")
    return parser


def of_streams(description: str | None, streams: int, out: Path) -> argparse.ArgumentParser:
    """A parser that asks how many streams of each cell are drawn, by how many processes."""
    parser = described(description)
    parser.add_argument("--streams", type=int, default=streams, help=f"of each cell ({streams})")
    parser.add_argument("--workers", type=int, default=2, help="processes (2)")
    parser.add_argument(
        "--out", type=Path, default=out, help="directory of the results; goes on from those"
    )
    return parser
