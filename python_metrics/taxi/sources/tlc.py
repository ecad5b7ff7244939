"""TLC's published monthly files, downloaded once to a cache."""

import datetime as dt
import os
from pathlib import Path

import requests
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from driftmeter.errors import DriftmeterError
from taxi.sources.files import FilesSource

PUBLIC_ADDRESS = "https://d37ci6vzurychx.cloudfront.net/trip-data"
CHUNK_BYTES = 1 << 20


def months_between(text: str) -> list[str]:
    """Months of ``YYYY-MM..YYYY-MM`` or of a single ``YYYY-MM``, first to last.

    Raises
    ------
    DriftmeterError
        If the text is neither, or the last month is before the first.
    """
    first, _, last = text.partition("..")
    try:
        start = dt.date.fromisoformat(f"{first}-01")
        end = dt.date.fromisoformat(f"{last or first}-01")
    except ValueError as error:
        raise DriftmeterError(
            f"{text!r} is not a range of months", where="--months", fix="write YYYY-MM..YYYY-MM"
        ) from error
    if end < start:
        raise DriftmeterError(f"{last} is before {first}", where="--months", fix="swap the two")
    count = (end.year - start.year) * 12 + end.month - start.month + 1
    return [
        f"{start.year + (start.month - 1 + step) // 12}-{(start.month - 1 + step) % 12 + 1:02}"
        for step in range(count)
    ]


class TlcSource(FilesSource):
    """Published files of one colour of cab, read from a cache that they are downloaded to.

    Parameters
    ----------
    cache : Path
        Directory of downloaded files.
    taxi : {'yellow', 'green'}
    months : str
        ``YYYY-MM..YYYY-MM``.
    """

    name = "tlc"

    def __init__(self, cache: Path, taxi: str, months: str) -> None:
        cache.mkdir(parents=True, exist_ok=True)
        for month in months_between(months):
            download(f"{taxi}_tripdata_{month}.parquet", cache)
        super().__init__(cache, taxi)
        self.signature = f"{self.name}:{taxi}:{months}"


def download(file: str, cache: Path) -> Path:
    """Fetch one file into the cache, going on where an earlier attempt was cut off.

    Raises
    ------
    DriftmeterError
        If the address does not answer or does not have the file.
    """
    path, part = cache / file, cache / f"{file}.part"
    if path.exists():
        return path
    address = f"{os.environ.get('DRIFTMETER_TLC_URL', PUBLIC_ADDRESS)}/{file}"
    have = part.stat().st_size if part.exists() else 0
    try:
        _fetch(address, part, have)
    except requests.HTTPError as error:
        raise DriftmeterError(
            f"TLC has no such file ({error})",
            where=address,
            fix="choose another --taxi or --months",
        ) from error
    except requests.RequestException as error:
        raise DriftmeterError(
            f"the download stopped ({type(error).__name__})",
            where=address,
            fix="try again, and the download continues; without a network use --source files",
        ) from error
    part.rename(path)
    return path


def _fetch(address: str, part: Path, have: int) -> None:
    headers = {"Range": f"bytes={have}-"} if have else {}
    with requests.get(address, headers=headers, stream=True, timeout=30) as answer:
        if answer.status_code == 416:  # The part is the whole file.
            return
        answer.raise_for_status()
        # A server that ignores the range sends the whole file again.
        is_rest = answer.status_code == 206
        length = int(answer.headers.get("Content-Length", 0))
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        with bar, part.open("ab" if is_rest else "wb") as file:
            done = have if is_rest else 0
            task = bar.add_task(part.stem, total=done + length or None, completed=done)
            for chunk in answer.iter_content(CHUNK_BYTES):
                file.write(chunk)
                bar.advance(task, len(chunk))
            if length and file.tell() != done + length:
                raise requests.ConnectionError("the answer ended early")
