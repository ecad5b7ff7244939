"""One monitor's configuration, as declared under ``config.meta.monitor`` of its dbt model."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    BeforeValidator,
    Field,
    FiniteFloat,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_serializer,
    field_validator,
    model_validator,
)

from driftmeter.monitors.cadence import DAYS_A_MONTH, Cadence, Every
from driftmeter.monitors.declared_sql import Attributions, CustomMetric, RowValue
from driftmeter.monitors.declared_test import OF_CLASSES, SUBJECTS, DeclaredTest
from driftmeter.monitors.derived_columns import (
    Measure,
    known_kind,
    projected_names,
    with_derived,
)
from driftmeter.monitors.hour import Hour, day_of
from driftmeter.monitors.known_events import DeclaredChange, KnownEvent, check_calendar, event_of
from driftmeter.monitors.requirements import LEAST_DAYS
from driftmeter.monitors.strict import Strict

# Raise it with whatever makes other verdicts of the same measurements: what is fitted, how columns,
# segments and errors are decided, how incidents are folded. Stored days are offered to be judged
# again then, and calibrations of the version before are not read.
JUDGING_VERSION = 11
Task = Literal["regression", "classification", "multiclass"]
# Probabilities of a single class leave nothing to tell it from.
LEAST_CLASSES = 2
# Without a budget of its own a monitor has one false alarm in so many batches, a month of days.
BATCHES_A_FALSE_ALARM = 30
# A budget beyond this share of batches would let every second batch alarm by chance.
MOST_ALARMS = 0.5
# Fields that say which days are known to differ.
OF_KNOWN_DAYS = ("expected", "calendar", "changes")
# Fields that say what is asked of a day, or what measurements mean, and not what is measured of it.
NOT_MEASURED = (
    "was", "owner", "project", "tests", "metrics", "attributions", "value", "default_tests",
    "retrain", "notify", "watch_days", "challengers", "label_delay_days", "batch", "protected",
    *OF_KNOWN_DAYS,
)  # fmt: skip
# Fields of the reference that say how it goes on.
OF_REFERENCE = ("first", "rolling")


def usual_budget(every: Every) -> float:
    """False alarms a month without a budget of its own: one in 30 batches, of hours in a month."""
    if every in ("hour", "day"):
        return 1
    return round(DAYS_A_MONTH / Cadence(every).days / BATCHES_A_FALSE_ALARM, 3)


def _text_of(value: object) -> object:
    """Accepted categories are compared with the column's text, as Postgres prints it."""
    if isinstance(value, list):
        return tuple(map(_as_text, value))
    return value


def _text_keys(value: object) -> object:
    """Names of classes are compared with a column's text, too."""
    if isinstance(value, dict):
        return {_as_text(name): column for name, column in value.items()}
    return value


def _as_text(item: object) -> str:
    return str(item).lower() if isinstance(item, bool) else str(item)


class Column(Strict):
    """One monitored column.

    Attributes
    ----------
    kind : {'numerical', 'categorical'}
        Whether the column holds numbers or categories. In YAML it may be ``text`` or ``vector``
        too: the monitor then has the columns that are derived of it.
    unit : str, optional
        The unit of a number, for people who read charts: ``miles``, ``USD``.
    range : tuple of float, optional
        The lowest and the highest plausible value, both included.
    accepted : tuple of str, optional
        The correct categories, as text.
    max_null_share : float
        Share of missing values, 0 to 1, above which a test fails.
    of, measure : str, optional
        The column that it is derived of, and what of it; not written in YAML.
    """

    kind: Annotated[Literal["numerical", "categorical"], BeforeValidator(known_kind)]
    unit: str | None = None
    range: tuple[FiniteFloat, FiniteFloat] | None = None
    accepted: Annotated[tuple[str, ...] | None, BeforeValidator(_text_of)] = None
    max_null_share: float = Field(default=1.0, ge=0, le=1)
    of: str | None = None
    measure: Measure | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "Column":
        if self.kind == "categorical" and self.range is not None:
            raise ValueError("a categorical column has `accepted`, not `range`")
        if self.kind == "numerical" and self.accepted is not None:
            raise ValueError("a numerical column has `range`, not `accepted`")
        if self.range is not None and self.range[0] > self.range[1]:
            raise ValueError("`range` is [lowest, highest]")
        return self


def _kept(value: object, read: ValidatorFunctionWrapHandler) -> dt.date:
    """An hour as it is, and a date as it is read."""
    return value if isinstance(value, Hour) else read(value)


# A day, or the first one of a batch, or an hour.
Batch = Annotated[dt.date, WrapValidator(_kept)]


class Days(Strict):
    """Days from the first to the last, both included; batches are days, or hours."""

    from_date: Batch = Field(alias="from")
    to_date: Batch = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> "Days":
        if self.from_date > self.to_date:
            raise ValueError(f"from {self.from_date} is after to {self.to_date}")
        return self

    def __contains__(self, day: dt.date) -> bool:
        return self.from_date <= day <= self.to_date


def _weeks(value: object) -> object:
    """The number of weeks of a text such as `8 weeks`."""
    words = value.split() if isinstance(value, str) else []
    if len(words) == 2 and words[0].isdigit() and words[1] in ("week", "weeks"):
        return int(words[0])
    if isinstance(value, str | int | float):
        raise ValueError(f"write a number of weeks such as `8 weeks`, not {value!r}")
    return value


class ReferenceDays(Days):
    """The reference period: the days that fix what is measured, and how it goes on from there.

    Attributes
    ----------
    first : int, optional
        Days with rows that it has in the end: it grows by calm days after `to_date` until then.
    rolling : int, optional
        Weeks of calm days, the newest before the judged day, that stand in for the first ones.
    """

    first: int | None = Field(default=None, ge=LEAST_DAYS)
    rolling: Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_weeks)] = None

    @field_serializer("rolling")
    def _as_declared(self, weeks: int | None) -> str | None:
        return None if weeks is None else f"{weeks} weeks"

    @model_validator(mode="before")
    @classmethod
    def _begins(cls, block: object) -> object:
        given = block if isinstance(block, Mapping) else {}
        goes_on = [name for name in OF_REFERENCE if given.get(name) is not None]
        if len(goes_on) == len(OF_REFERENCE):
            raise ValueError("it is either `first` or `rolling`")
        if goes_on and not {"from", "to"} <= {*given}:
            raise ValueError(
                f"`{goes_on[0]}` goes with `from` and `to`, the days that fix the bins, such as"
                " the days that there are by now; `driftmeter init --reference first:30` writes"
                " them"
            )
        return block


class AlarmBudget(Strict):
    """How many false alarms a month are acceptable.

    Attributes
    ----------
    false_alarms_per_month : float
        More than 0.
    """

    false_alarms_per_month: FiniteFloat = Field(default=1.0, gt=0)


class LeastEffect(Strict):
    """The smallest change that matters. A smaller one is stored and does not alarm.

    Attributes
    ----------
    shift : float
        For a number, in robust standard deviations of the reference period.
    share : float
        For the share of missing values or of a category, as a fraction of rows (0 to 1).
    """

    shift: FiniteFloat = Field(default=0.05, ge=0)
    share: float = Field(default=0.01, ge=0, le=1)


class Retrain(Strict):
    """When an incident proposes to train the model again.

    Nothing is trained automatically: the incident shows the command to run.

    Attributes
    ----------
    when : tuple of {'concept_drift', 'performance_drop'}
        Kinds of incident that propose it.
    days : int
        How many of the newest days the command trains on.
    """

    when: tuple[Literal["concept_drift", "performance_drop"], ...] = (
        "concept_drift",
        "performance_drop",
    )
    days: int = Field(default=28, ge=2)


class Notify(Strict):
    """Which incidents a message is sent about at once, and when the others are told.

    Attributes
    ----------
    page : tuple of {'performance', 'arrival', 'values'}
        Incidents that are told at once: of the realised or estimated error or a metric of the
        team's own, of rows and labels that did not arrive as they should, of the values of columns.
    digest : {'day', 'week', 'never'}
        How often one message lists all the others.
    """

    page: tuple[Literal["performance", "arrival", "values"], ...] = (
        "performance",
        "arrival",
        "values",
    )
    digest: Literal["day", "week", "never"] = "day"


class Challengers(Strict):
    """Where the predictions of other versions for the same rows are.

    Attributes
    ----------
    model : str
        A dbt model with the columns `id`, ``partition_date``, ``model_version`` and ``prediction``,
        and one row for each version and row of the inference table.
    id : str, optional
        The model's column that holds the inference table's id. Without it, the column has the same
        name as there.
    schema_name, table : str
        The table that dbt makes of the model; not written in YAML.
    """

    model: str
    id: str | None = None
    schema_name: str = ""
    table: str = ""


class Monitor(Strict):
    """A monitor: one inference table, and what its columns mean.

    Attributes
    ----------
    name : str
        The dbt model's name. The monitor has the same name in every table.
    was : str, optional
        The name that the model had before. What was measured under it is then of this monitor.
    schema_name : str
        The Postgres schema of the inference table.
    project : str
        The dbt project that declares the monitor; not written in YAML.
    owner : str
        The team on call.
    task : {'regression', 'classification', 'multiclass'}
        What the model predicts: a number, the probability of the positive class, or one of several
        classes.
    timestamp : str
        A column of a time or a date: when the row happened.
    timezone : str
        The zone in which a day begins.
    every : {'hour', 'day', 'week', 'month'}
        How often a batch is scored. The table's ``partition_date`` is the first day of the batch:
        of weeks the Monday, of months the first. Of hours it is the day, and the table has the
        instant at which the hour begins in ``partition_start``.
    batch : str, optional
        The column that says of which batch a row is, such as the date of the scoring run, where
        that is not the batch of `timestamp`.
    id : str
        The column that identifies a row within its day.
    prediction : str
        The column of predictions.
    probabilities : dict of str to str, or str, optional
        Of task ``multiclass``: the column that holds each class's probability, or one column of
        jsonb that holds them by the name of the class.
    target : str, optional
        The column of true outcomes, null until they are known.
    model_version : str
        The column that says which version predicted the row.
    features : dict of str to Column
        Every compared column except prediction and target, whether the model reads it or not. In
        the place of a text or a vector there are the columns that are derived of it.
    segments : tuple of str
        Columns whose values split a day into segments.
    protected : tuple of str
        Columns whose groups must be treated alike. They need not be features.
    reference : ReferenceDays
        The reference period: batches that show how things should be, those that begin in it.
    label_delay_days : int
        Days until labels are expected. Until then a day's target is not judged. Time is the newest
        computed day, not the clock.
    watch_days : int
        Days before the newest one whose rows and labels may still change. Each run checks them.
    min_rows : int
        A column with fewer known values on a day is not compared, unless it usually has as many.
    alarm_budget : AlarmBudget
        How many false alarms a month are acceptable. Without it one in 30 batches, and of hours one
        a month.
    least_effect : LeastEffect
        The smallest change that matters.
    tests : tuple of DeclaredTest
        Evidently's tests of each day, beside the default ones.
    metrics : dict of str to CustomMetric
        The team's own metrics, each an aggregate in SQL over the rows of a day.
    attributions : Attributions, optional
        Columns that say how much each feature moved a prediction. Their shares are among `metrics`.
    value : RowValue, optional
        What a row is worth, once its outcome is known. It needs a target.
    retrain : Retrain, optional
        When an incident proposes to train the model again. None proposes nothing.
    notify : Notify
        Which incidents are told at once, and when the others are.
    challengers : Challengers, optional
        Versions that score the same rows and that nobody acts on.
    expected : tuple of KnownEvent
        Days that are known to differ.
    calendar : str, optional
        A country's code, such as ``US``, whose holidays and the days beside them are known too.
    changes : tuple of DeclaredChange
        Changes that are meant to last, and the columns that each is of.
    default_tests : bool
        Whether each column is also tested for missing values, for its range or accepted values, and
        for Evidently's drift.
    """

    name: str
    was: str | None = None
    schema_name: str = "inference"
    project: str = ""
    owner: str
    task: Task
    timestamp: str
    timezone: str = "UTC"
    every: Every = "day"
    batch: str | None = None
    id: str
    prediction: str
    probabilities: Annotated[dict[str, str] | str | None, BeforeValidator(_text_keys)] = None
    target: str | None = None
    model_version: str
    features: Annotated[dict[str, Column], BeforeValidator(with_derived), Field(min_length=1)]
    segments: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    reference: ReferenceDays
    label_delay_days: int = Field(default=0, ge=0)
    watch_days: int = Field(default=35, ge=1)
    min_rows: int = Field(default=30, ge=1)
    alarm_budget: AlarmBudget = AlarmBudget()
    least_effect: LeastEffect = LeastEffect()
    tests: tuple[DeclaredTest, ...] = ()
    metrics: dict[str, CustomMetric] = Field(default_factory=dict)
    attributions: Attributions | None = None
    value: RowValue | None = None
    default_tests: bool = True
    retrain: Retrain | None = None
    notify: Notify = Notify()
    challengers: Challengers | None = None
    expected: tuple[KnownEvent, ...] = ()
    calendar: str | None = None
    changes: tuple[DeclaredChange, ...] = ()

    @field_validator("calendar")
    @classmethod
    def _known_calendar(cls, name: str | None) -> str | None:
        if name is not None:
            check_calendar(name)
        return name

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("is not a time zone such as UTC or America/New_York")
        return name

    @model_validator(mode="before")
    @classmethod
    def _budget_by_batches(cls, given: object) -> object:
        """Without a budget: a batch alarms by chance as seldom, however long it is."""
        if not isinstance(given, Mapping) or given.get("every") not in ("week", "month"):
            return given
        if given.get("alarm_budget") is not None:
            return given
        return {**given, "alarm_budget": {"false_alarms_per_month": usual_budget(given["every"])}}

    @model_validator(mode="after")
    def _has_batches(self) -> "Monitor":
        cadence, budget = self.cadence, self.alarm_budget.false_alarms_per_month
        if not cadence.batches(self.reference.from_date, self.reference.to_date):
            raise ValueError(f"no {self.every} begins in `reference`, so that it has no batch")
        if self.every != "day" and budget * cadence.days > MOST_ALARMS * DAYS_A_MONTH:
            most = MOST_ALARMS * DAYS_A_MONTH / cadence.days
            raise ValueError(
                f"`alarm_budget`: {budget:g} false alarms a month are more than one in two"
                f" {self.every}s. Give at most {most:.2g}"
            )
        return self

    @model_validator(mode="after")
    def _has_months_without_holidays(self) -> "Monitor":
        if self.every == "month" and self.calendar:
            raise ValueError("`calendar` names days, and most months have some: use `expected`")
        return self

    @model_validator(mode="after")
    def _has_what_hours_have(self) -> "Monitor":
        if self.every == "hour" and self.task == "multiclass":
            raise ValueError("`every`: several classes are measured by the day, not by the hour")
        if self.every == "hour" and self.protected:
            raise ValueError("`protected`: groups are compared by the day, not by the hour")
        return self

    @model_validator(mode="after")
    def _has_whole_hours(self) -> "Monitor":
        year = self.reference.from_date.year
        offsets = [dt.datetime(year, month, 1, tzinfo=self.zone).utcoffset() for month in (1, 7)]
        apart = (offsets[0] or dt.timedelta(0)) - (offsets[1] or dt.timedelta(0))
        if self.every == "hour" and apart % dt.timedelta(hours=1):
            raise ValueError(
                f"`timezone`: the clock of {self.timezone} is turned by less than an hour, so that"
                " hours there are none. Give UTC, or another `every`"
            )
        return self

    @property
    def cadence(self) -> Cadence:
        """The calendar of its batches."""
        return Cadence.of(self.every, self.timezone)

    @property
    def batch_column(self) -> str:
        """The column of the inference table that says of which batch a row is."""
        return "partition_start" if self.every == "hour" else "partition_date"

    @property
    def reference_batches(self) -> list[dt.date]:
        """The batches of the reference period, in order."""
        return self.cadence.batches(self.reference.from_date, self.reference.to_date)

    @property
    def reference_span(self) -> tuple[dt.date, dt.date]:
        """First and last day of the reference period; of hours the first and the last one."""
        return self.cadence.bounds(self.reference.from_date, self.reference.to_date)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which a day is a day."""
        return ZoneInfo(self.timezone)

    @model_validator(mode="after")
    def _names_each_column_once(self) -> "Monitor":
        for role in ("prediction", "target"):
            if {getattr(self, role)} & {*self.features, *self.declared_features}:
                raise ValueError(f"`{role}` {getattr(self, role)!r} is among the features too")
        if self.target == self.prediction:
            raise ValueError("`target` and `prediction` are the same column")
        self._check_probabilities()
        self._take_attributions()
        self._check_tests()
        self._check_metrics()
        for change in self.changes:
            for name in sorted(set(change.columns) - set(self.columns)):
                raise ValueError(f"`changes`: {change.what!r} of {name!r}, which is no column")
        for field in ("segments", "protected"):
            names = getattr(self, field)
            if twice := [name for name in names if names.count(name) > 1]:
                raise ValueError(f"`{field}` names {twice[0]!r} twice")
        if self.protected and self.task == "multiclass":
            raise ValueError(
                "`protected` goes with task regression or classification: of several classes none"
                " is the positive one. Declare the rates that matter as `metrics` with `segments`"
            )
        for role in ("prediction", "target"):
            if getattr(self, role) in self.protected:
                raise ValueError(f"`protected` names {getattr(self, role)!r}, the {role}")
        return self

    def _take_attributions(self) -> None:
        """The shares of attributions are among the metrics."""
        if self.attributions is None:
            return
        declared = self.declared_features
        unknown = [name for name in self.attributions.features if name not in declared]
        if unknown:
            raise ValueError(f"`attributions` names {unknown[0]!r}, which is no feature")
        shares = self.attributions.as_metrics(declared)
        for name, share in shares.items():
            if self.metrics.get(name, share) != share:
                raise ValueError(
                    f"`metrics`: {name!r} is a column of attributions. Give the metric its own name"
                )
        self.metrics.update(shares)

    def attributed(self, metric: str) -> str | None:
        """The feature of which a metric is the share of all attributions; None of a team's own."""
        prefix = self.attributions.prefix if self.attributions else ""
        feature = metric.removeprefix(prefix)
        is_feature = metric != feature and feature in self.declared_features
        return feature if prefix and is_feature else None

    def _check_probabilities(self) -> None:
        if self.probabilities is None:
            return
        if self.task != "multiclass":
            raise ValueError(
                f"`probabilities` goes with task multiclass; of task {self.task} the prediction"
                + (" is the probability" if self.task == "classification" else " is a number")
            )
        named = list(self.probability_columns)
        if isinstance(self.probabilities, dict) and len(named) < LEAST_CLASSES:
            raise ValueError(
                f"`probabilities` names {len(named)} class; name the column of each class, at least"
                f" {LEAST_CLASSES}"
            )
        if twice := [name for name in named if named.count(name) > 1]:
            raise ValueError(f"`probabilities` names the column {twice[0]!r} for two classes")
        if used := [name for name in named if name in self.table_columns]:
            raise ValueError(
                f"`probabilities` names {used[0]!r}, which is the prediction, the target or a"
                " feature too"
            )

    def _check_metrics(self) -> None:
        taken = [name for name in self.metrics if name in {*self.columns, *self.table_columns}]
        if taken:
            raise ValueError(
                f"`metrics`: {taken[0]!r} is a column too. Give the metric its own name"
            )
        if self.value is None:
            return
        if self.target is None:
            raise ValueError("`value` needs a target: what a row is worth follows from its outcome")
        if self.value.sql is None and self.task != "classification":
            raise ValueError(f"`value` of a {self.task} needs `sql`: it has no positives")

    def _check_tests(self) -> None:
        for test in self.tests:
            subject = SUBJECTS[test.test]
            if test.column is not None and test.column not in self.columns:
                raise ValueError(f"`tests`: {test.test} of {test.column!r}, which is no column")
            wanted = {"number": "numerical", "category": "categorical"}.get(subject)
            if wanted and self.columns[str(test.column)].kind != wanted:
                raise ValueError(f"`tests`: {test.test} of {test.column!r}, which is not {wanted}")
            is_of_errors = subject in ("regression", "classification")
            is_of_classes = self.task == "multiclass" and test.test in OF_CLASSES
            if is_of_errors and not (self.target and (subject == self.task or is_of_classes)):
                raise ValueError(f"`tests`: {test.test} needs task {subject}, and a target")
            if test.test == "out_of_range_share" and not self.columns[str(test.column)].range:
                raise ValueError(f"`tests`: {test.column!r} declares no range to be out of")
            if test.test == "unaccepted_share" and not self.columns[str(test.column)].accepted:
                raise ValueError(f"`tests`: {test.column!r} declares no accepted values")
        names = [(test.column, test.name) for test in self.tests]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"`tests` declares {twice[0][1]!r} of {twice[0][0]} twice")

    @property
    def columns(self) -> dict[str, Column]:
        """Every compared column: features, then prediction, then the target where there is one."""
        outcome = Column(kind="numerical" if self.task == "regression" else "categorical")
        compared = dict(self.features)
        # Of two classes the prediction is the probability of the positive one.
        is_class = self.task == "multiclass"
        compared[self.prediction] = Column(kind="categorical" if is_class else "numerical")
        if self.target is not None:
            compared[self.target] = outcome
        return compared

    @property
    def declared_features(self) -> list[str]:
        """Names of the features as they are declared, which are columns of the table."""
        return list(dict.fromkeys(column.of or name for name, column in self.features.items()))

    @property
    def table_columns(self) -> list[str]:
        """Columns of the table whose values are compared, a text or a vector once."""
        return list(dict.fromkeys(column.of or name for name, column in self.columns.items()))

    @property
    def vectors(self) -> list[str]:
        """Columns that hold vectors."""
        features = self.features.values()
        return [str(column.of) for column in features if column.measure == "norm"]

    @property
    def compared_together(self) -> list[str]:
        """What the domain classifier tells rows by: all columns, and projections of vectors."""
        projected = [name for vector in self.vectors for name in projected_names(vector)]
        return [*self.columns, *projected]

    @property
    def probability_columns(self) -> tuple[str, ...]:
        """Columns that hold the probabilities of several classes."""
        if isinstance(self.probabilities, dict):
            return tuple(self.probabilities.values())
        return (self.probabilities,) if self.probabilities else ()

    def event_on(self, day: dt.date) -> str | None:
        """The name of the known event that a day is part of, or None."""
        return event_of(day_of(day), self.expected, self.calendar, self.cadence.last_day(day))

    @property
    def segment_columns(self) -> dict[str, str]:
        """For each segment, the column of a frame of rows that holds its values as text.

        A categorical column is text already. A number, or a column that is not monitored, has its
        text in a second column.
        """
        columns = self.columns
        return {
            name: name
            if name in columns and columns[name].kind == "categorical"
            else f"{name} as text"
            for name in self.segments
        }

    @property
    def config_hash(self) -> str:
        """A hash of the fields that decide what is measured, 16 hexadecimal digits.

        `policy_hash` covers the fields that decide what measurements mean.
        """
        # The default policy in place of the declared one, rather than none: releases that hashed
        # the policy too gave days the same hash under the default.
        measured = self.model_copy(
            update={
                "alarm_budget": AlarmBudget(),
                "least_effect": LeastEffect(),
                # What a monitor of another name measured is measured of this one.
                "name": self.was or self.name,
                # Units are words for people.
                "features": {
                    name: column.model_copy(update={"unit": None})
                    for name, column in self.features.items()
                },
            }
        )
        content = measured.model_dump(
            mode="json",
            exclude={
                **dict.fromkeys(NOT_MEASURED, True),
                # Days have the hash that they had before there were other batches or more classes.
                **({"every": True} if self.every == "day" else {}),
                **({"probabilities": True} if self.probabilities is None else {}),
                # How it goes on decides what days are judged by.
                "reference": {*OF_REFERENCE},
                # Their names say it.
                "features": {"__all__": {"of", "measure"}},
            },
        )
        # A monitor without them keeps the hash that it had before there were any.
        if self.metrics:
            content["metrics"] = {
                name: [metric.sql, metric.segments] for name, metric in self.metrics.items()
            }
        if self.value is not None:
            content["value"] = self.value.model_dump(mode="json", exclude={"unit"})
        if self.protected:
            content["protected"] = list(self.protected)
        return _hash(content)

    @property
    def policy_hash(self) -> str:
        """A hash of the fields that decide what measurements mean, 16 hexadecimal digits.

        Another policy is applied to stored results. It does not cover `min_rows`, which decides
        which columns and segments are measured at all.
        """
        policy = {"alarm_budget", "least_effect", "retrain", "label_delay_days"}
        # A monitor that declares none has the hash that it had before there were any.
        policy |= {name for name in OF_KNOWN_DAYS if getattr(self, name)}
        goes_on = {name for name in OF_REFERENCE if getattr(self.reference, name)}
        included: dict[str, Any] = dict.fromkeys(policy, True)
        included |= {"reference": goes_on} if goes_on else {}
        content = self.model_dump(mode="json", include=included)
        if self.metrics:
            content["metrics"] = {
                name: [metric.worse, metric.least_change] for name, metric in self.metrics.items()
            }
        return _hash(content)

    @property
    def expressions(self) -> tuple[str, ...]:
        """SQL whose columns are hashed with the monitored ones: a team's own, protected columns."""
        of_metrics = (metric.sql for metric in self.metrics.values())
        quoted = (f'"{name.replace(chr(34), chr(34) * 2)}"' for name in self.protected)
        return (*of_metrics, *([self.value.sql] if self.value and self.value.sql else []), *quoted)


def _hash(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
