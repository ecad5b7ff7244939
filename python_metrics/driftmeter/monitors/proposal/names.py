"""What a column's name says of it: a prediction, an outcome, or what is only about one."""

import re
from enum import IntEnum


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


PREDICTED = _set(
    "pred preds predict predicted prediction predictions yhat ypred fitted"
    " forecast forecasts forecasted"
)
PROBABLE = _set(
    "prob probs proba probas probability probabilities likelihood propensity confidence"
    " posterior phat pctr pcvr"
)
# Inputs are called so too.
SCORED = _set("score scores scored scoring estimate estimated output logit risk")
# Says nothing of what is predicted.
PLAIN = _set("y hat model label labels class value values target the of raw final binary event")
NEGATIVE = _set("0 no false neg negative not non")
POSITIVE = _set("1 yes true pos positive")
# Beside a word for a prediction: a column about it, and not the prediction.
ABOUT = _set(
    "id ids key uuid guid version name threshold cutoff lower upper lo hi std stddev sd se variance"
    " interval quantile error residual latency rank decile percentile bucket band bin reason"
    " reasons explanation comment source"
)
# So are these, but what is `predicted` may be a time or a count itself.
MEASURED = _set("at on time ts date day timestamp ms seconds count type code tier low high")
ADJECTIVES = _set("predicted pred forecast forecasted expected estimated")
KEYS = _set("id ids key uuid guid identifier")
# What was so before the prediction is an input of it.
PAST = _set(
    "prev previous previously prior last lag lagged past hist history historical ago before ever"
    " first yesterday"
)

TARGET = _set(
    "target targets label labels truth gt groundtruth actual actuals outcome outcomes ytrue true"
    " observed measured realised realized class y"
)
# These are words of their own in many other names.
TARGET_ALONE = frozenset(["class", "y"])
# No target, although it has a word for one.
NO_TARGET = _set("id ids key uuid guid version name threshold source enc encoded encoding")
AUXILIARY = _set("is has had was were did does will would got been be")
# Counts, sums and shares of outcomes are inputs; as is what an outcome is measured by.
AGGREGATE = _set("count num n nb number no total sum rate ratio avg mean median min max since")
# What happens, or not, to the subject of a prediction.
OUTCOMES = _set(
    "fraud fraudulent churn default click clicks conversion cancellation cancelation cancel delay"
    " failure fail attrition bankruptcy bankrupt readmission death dead died purchase response"
    " delinquent delinquency survival success spam anomaly outage breakdown claim late positive"
    " occupancy dropout lapse chargeback arrest recidivism exit paid repaid unpaid sold won lost"
    " bought left quit"
)
# Participles that say how somebody is, or what was decided, rather than what happened.
STATES = _set(
    "married divorced widowed registered employed insured retired educated verified subscribed"
    " furnished automated owned rented related shared used fixed mixed limited unlimited detached"
    " attached gated dated aged named numbered weighted scaled encoded approved accepted rejected"
    " declined flagged alerted blocked selected contacted offered targeted"
)
# Characteristics by which laws forbid to treat people unlike.
PROTECTED = _set(
    "gender sex race racial ethnicity ethnic religion nationality disability disabled pregnant"
    " orientation citizenship"
)
# An age by itself is a number; cut into groups it is such a characteristic.
GROUPED = _set("group groups band bracket class category bucket bin range")
# Of a time, and what may stand behind such a word: its unit, its zone, how it is written.
MOMENTS = _set("at on time ts timestamp datetime date day dt epoch unix")
FORMS = _set(
    "s sec secs seconds ms msec millis milliseconds us micros microseconds ns nanos nanoseconds"
    " epoch unix utc iso key id sk str text"
)


class Fit(IntEnum):
    """How surely a name is that of a prediction."""

    NONE = 0
    INPUT_SCORE = 1
    SCORE = 2
    OF_SUBJECT = 3
    PURE = 4


def words(name: str) -> tuple[str, ...]:
    """A name's words in lower case: of ``isFraud``, ``is`` and ``fraud``; of ``p_1``, ``p``, ``1``.

    Letters and digits are words apart.
    """
    found = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+", name)
    return tuple(word.lower() for word in found)


def is_key_name(name: str) -> bool:
    """Whether it is that of a row's key: ``loan_id``, ``customerID``, ``uuid``."""
    said = words(name)
    is_one = len(said) == 1 and said[0].endswith("id") and said[0] not in ("paid", "valid")
    return bool(said) and (said[-1] in KEYS or is_one)


def is_called_protected(name: str) -> bool:
    """Whether it is that of groups of people who must be treated alike: ``gender``, ``age_group``.

    A count of them is none, nor is what they were told: ``race_count``, ``sex_offer``.
    """
    said = words(name)
    if said[:1] == ("age",):
        return bool({*said[1:]} & GROUPED)
    return bool(said) and (said[-1] in PROTECTED or (said[0] in PROTECTED and said[-1] in GROUPED))


def time_words(name: str) -> tuple[str, ...]:
    """Words of a time's name without its unit and zone: of ``eventTimeMs``, ``event``, ``time``."""
    said = words(name)
    while len(said) > 1 and said[-1] in FORMS:
        said = said[:-1]
    return said


def is_time_name(name: str) -> bool:
    """Whether it is that of a time: ``scored_at``, ``ts_ms``, ``unix_seconds``."""
    return bool({*time_words(name)[-1:]} & MOMENTS)


def has_prediction_word(name: str) -> bool:
    """Whether it speaks of a prediction for certain."""
    return bool({*words(name)} & (PREDICTED | PROBABLE)) or words(name)[-2:] == ("y", "hat")


def is_called_probability(name: str) -> bool:
    """Whether a number between 0 and 1 is a probability by its name."""
    said = words(name)
    return bool({*said} & PROBABLE) or said[:1] in (("p",), ("pd",))


def prediction_fit(name: str, is_share: bool) -> Fit:
    """How surely it is a prediction.

    Parameters
    ----------
    is_share : bool
        Whether its values lie between 0 and 1; only then is a ``p`` a probability.
    """
    said = words(name)
    if {*said} & PAST or _is_about({*said}):
        return Fit.NONE
    is_certain = has_prediction_word(name) or (is_share and is_called_probability(name))
    rest = {*said} - PREDICTED - PROBABLE - SCORED - PLAIN - NEGATIVE - POSITIVE - {"p", "pd"}
    if is_certain:
        return Fit.OF_SUBJECT if rest else Fit.PURE
    if {*said} & SCORED:
        return Fit.INPUT_SCORE if rest else Fit.SCORE
    return Fit.NONE


def is_about_prediction(name: str) -> bool:
    """Whether it says something about a prediction, such as its lower bound or its error."""
    said = {*words(name)}
    of_error = {"error", "residual", "residuals", "loss", "correct"}
    is_error = bool(said & of_error) and said <= of_error | PREDICTED | AUXILIARY | {
        "abs", "absolute", "squared", "sq", "log", "model", "y",
    }  # fmt: skip
    is_beside = _is_about(said) and not said & (PAST | {"version"})
    return is_error or (has_prediction_word(name) and is_beside)


def _is_about(said: set[str]) -> bool:
    return bool(said & ABOUT) or bool(said & MEASURED and not said & ADJECTIVES)


def is_of_the_past(name: str) -> bool:
    """Whether it says how something was before the prediction, which may be an input."""
    return bool({*words(name)} & PAST)


def subject_of(name: str) -> tuple[str, ...]:
    """What is predicted: of ``predicted_price`` the price, of ``y_pred`` nothing."""
    generic = PREDICTED | PROBABLE | SCORED | PLAIN | NEGATIVE | POSITIVE | {"p", "pd"}
    return tuple(word for word in words(name) if word not in generic)


def target_points(name: str, subject: tuple[str, ...], is_label: bool) -> int:
    """How much a name speaks for what came true; 0 where it does not.

    Parameters
    ----------
    subject : tuple of str
        What the prediction's name says is predicted.
    is_label : bool
        Whether the column may be a label; verbs are names of outcomes only then.
    """
    said = words(name)
    if {*said} & (PAST | NO_TARGET) or has_prediction_word(name):
        return 0
    bare = tuple(word for word in said if word not in AUXILIARY)
    telling = {*bare} & TARGET
    if telling and {*bare} <= TARGET | PLAIN | {"ground", "clf", "result", "binary", "real"}:
        return 8
    if not bare:
        return 0
    if subject and len(bare) == len(subject) and _speaks_of(bare, subject):
        return 6
    if {bare[0], bare[-1]} & (TARGET - TARGET_ALONE):
        return 5
    if {*bare} & AGGREGATE:
        return 0
    if subject and _speaks_of(bare, subject):
        return 4
    if not is_label:
        return 0
    if bare[-1] in OUTCOMES or bare[0] in OUTCOMES:
        return 4
    if _is_participle(bare[-1]) and bare[-1] not in STATES:
        return 4
    # Of `is_married` it is what somebody is; `opened` of `opened_account` may go with the account.
    return 1 if _is_participle(bare[0]) and bare == said else 0


def _speaks_of(bare: tuple[str, ...], subject: tuple[str, ...]) -> bool:
    """Whether each word of the subject has one of the same stem: default, defaulted."""
    return all(any(_same_stem(one, other) for other in bare) for one in subject)


def _same_stem(one: str, other: str) -> bool:
    shorter = min(len(one), len(other))
    least = max(4, round(0.6 * shorter))
    return one == other or (shorter >= least and one[:least] == other[:least])


def _is_participle(word: str) -> bool:
    return len(word) >= 5 and word.endswith("ed") and not word.endswith("eed")
