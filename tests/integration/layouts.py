"""Tables of predictions as people write them, and what `driftmeter init` should say of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

DAYS, ROWS = 60, 240
RANDOM = np.random.default_rng(7)
# A classifier's probability, what came true, and the label at one half.
CHANCE = RANDOM.uniform(0.02, 0.98, ROWS)
HAPPENED = RANDOM.random(ROWS) < CHANCE
LABEL = (CHANCE >= 0.5).astype(int)
# A regression's amount and what came true; neither between 0 and 1, nor whole.
CAME = RANDOM.gamma(4, 30, ROWS) + 5
AMOUNT = CAME + RANDOM.normal(0, 10, ROWS)
# Inputs.
NUMBER = RANDOM.normal(50, 9, ROWS)
SHARE = RANDOM.uniform(0, 1, ROWS)
FLAG = RANDOM.random(ROWS) < 0.4
KIND = RANDOM.choice(["web", "branch", "partner"], ROWS)
CLASSES = RANDOM.choice(["prepaid", "highstreet", "upmarket"], ROWS)
PARTS = RANDOM.dirichlet([2, 2, 2], ROWS)
DAY = np.arange(ROWS) // (ROWS // DAYS)
IS_NEW = DAY >= DAYS - 10
AT = pd.Timestamp("2026-01-01 08:00", tz="UTC") + pd.to_timedelta(DAY, unit="D")


@dataclass(frozen=True)
class Layout:
    """A table's columns beside ``row_id``, ``scored_at`` and two inputs, and the right answer.

    Attributes
    ----------
    role : dict of str to str or None
        Prediction, target, task and what else is expected.
    out : tuple of str
        Columns that are left out, with a reason.
    refused : tuple of str
        What the one line says instead.
    """

    columns: Mapping[str, Any]
    role: Mapping[str, str | None] = field(default_factory=dict)
    out: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    bare: bool = False

    def frame(self) -> pd.DataFrame:
        """Rows of the table."""
        usual = {
            "row_id": [f"R{at}" for at in range(ROWS)], "scored_at": AT, "age": NUMBER, "kind": KIND
        }  # fmt: skip
        return pd.DataFrame({**({} if self.bare else usual), **self.columns})


def spelled(yes: str, no: str, values: Any = HAPPENED) -> Any:
    return np.where(values, yes, no)


def late(values: Any) -> "pd.Series[Any]":
    """Unknown for the last ten days, as pandas writes it."""
    return pd.Series(values).astype(object).mask(IS_NEW)


def classifier(prediction: str, target: str | None) -> dict[str, str | None]:
    return {"prediction": prediction, "target": target, "task": "classification"}


def multiclass(prediction: str, target: str | None) -> dict[str, str | None]:
    return {"prediction": prediction, "target": target, "task": "multiclass"}


def regression(prediction: str, target: str | None) -> dict[str, str | None]:
    return {"prediction": prediction, "target": target, "task": "regression"}


ONE_NAN = np.where(np.arange(ROWS) == 100, np.nan, CHANCE)
ONE_INFINITY = np.where(np.arange(ROWS) == 100, np.inf, CHANCE)
DIGITS = RANDOM.integers(0, 3, ROWS)
HAPPENED_01 = HAPPENED.astype(int)
LOAN = {"loan_id": np.arange(ROWS) + 7000, "created_at": AT, "income": NUMBER}

# What was seen to go wrong.
SEEN = {
    "a hard label beside a probability": Layout(
        {"y_pred": LABEL, "y_pred_proba": CHANCE, "is_canceled": HAPPENED_01},
        classifier("y_pred_proba", "is_canceled"),
        out=("y_pred",),
    ),
    "predicted beside prob_predicted": Layout(
        {"predicted": LABEL, "prob_predicted": CHANCE, "measured": HAPPENED_01},
        classifier("prob_predicted", "measured"),
        out=("predicted",),
    ),
    "several classes": Layout(
        {
            "app_behavioral_score": SHARE,
            "credit_bureau_score": RANDOM.integers(300, 800, ROWS),
            "y_pred_proba_prepaid": PARTS[:, 0],
            "y_pred_proba_highstreet": PARTS[:, 1],
            "y_pred_proba_upmarket": PARTS[:, 2],
            "y_pred": CLASSES,
            "y_true": CLASSES,
        },
        multiclass("y_pred", "y_true"),
    ),
    "probabilities of several classes without the predicted one": Layout(
        {
            "y_pred_proba_prepaid": PARTS[:, 0],
            "y_pred_proba_highstreet": PARTS[:, 1],
            "y_pred_proba_upmarket": PARTS[:, 2],
            "y_true": CLASSES,
        },
        refused=(
            "'y_pred_proba_prepaid'",
            "no column holds the class",
            "compare one class with the rest",
        ),
    ),
    "a class and the one that came true": Layout(
        {"predicted_card": CLASSES, "card": CLASSES, "age": NUMBER},
        multiclass("predicted_card", "card"),
    ),
    "a class and a target that nothing names": Layout(
        {"predicted": CLASSES, "chosen": CLASSES[::-1], "age": NUMBER},
        multiclass("predicted", "chosen"),
    ),
    "a class and two that may be what came true": Layout(
        {"predicted": CLASSES, "chosen": CLASSES[::-1], "offered": CLASSES, "age": NUMBER},
        refused=("'chosen' and 'offered' may be the target", "--target chosen", "--target none"),
    ),
    "a class and the one before": Layout(
        {"predicted": CLASSES, "previous_card": CLASSES[::-1], "age": NUMBER},
        multiclass("predicted", None),
    ),
    "a predicted class alone": Layout(
        {"predicted_card": CLASSES, "age": NUMBER}, multiclass("predicted_card", None)
    ),
    "several classes, of which one was chosen": Layout(
        {
            "app_behavioral_score": SHARE,
            "y_pred_proba_prepaid": PARTS[:, 0],
            "y_pred_proba_highstreet": PARTS[:, 1],
            "y_pred_proba_upmarket": PARTS[:, 2],
            "y_pred": CLASSES,
            "y_true": CLASSES,
        },
        classifier("y_pred_proba_prepaid", None),
        out=("y_pred_proba_highstreet", "y_pred_proba_upmarket", "y_pred", "y_true"),
        given={"prediction": "y_pred_proba_prepaid", "target": "none"},
    ),
    "a table whose key would be offered": Layout(
        {"number": np.arange(ROWS) + 1, "weight": NUMBER},
        refused=("clearly the prediction", "--prediction weight"),
    ),
    "a prediction's id beside a score": Layout(
        {"prediction_id": np.arange(ROWS) + 10**9, "score": CHANCE, "defaulted": HAPPENED},
        {**classifier("score", "defaulted"), "id": "row_id"},
    ),
    "a prediction's id and no other key": Layout(
        {
            "prediction_id": np.arange(ROWS) + 10**9,
            "score": CHANCE,
            "event_time": AT,
            "age": NUMBER,
        },
        {**classifier("score", None), "id": "prediction_id"},
        bare=True,
    ),
    "a label that spells yes and no": Layout(
        {"probability": CHANCE, "label": spelled("yes", "no")}, classifier("probability", "label")
    ),
    "churned, Yes or No": Layout(
        {"probability": CHANCE, "churned": spelled("Yes", "No")},
        classifier("probability", "churned"),
    ),
    "defaulted, Y or N": Layout(
        {"probability": CHANCE, "defaulted": spelled("Y", "N")},
        classifier("probability", "defaulted"),
    ),
    "classes 0, 1 and 2": Layout(
        {"prediction": DIGITS, "target": DIGITS}, multiclass("prediction", "target")
    ),
    "classes 0, 1 and 2 of nothing": Layout(
        {"prediction": DIGITS, "age": NUMBER},
        refused=("3 classes", "--task regression", "--task multiclass"),
    ),
    "classes 0, 1 and 2 as floats": Layout(
        {"prediction": DIGITS.astype(float), "label": DIGITS.astype(float)},
        refused=("3 classes", "--task regression"),
    ),
    "classes 0, 1 and 2, which are amounts": Layout(
        {"prediction": DIGITS, "target": DIGITS},
        regression("prediction", "target"),
        given={"task": "regression"},
    ),
    "a probability and a target of three classes": Layout(
        {"probability": CHANCE, "target": DIGITS},
        refused=("'target' may be the target", "is a probability", "--target none"),
    ),
    "one NaN among the scores": Layout(
        {"score": ONE_NAN, "defaulted": HAPPENED}, classifier("score", "defaulted")
    ),
    "one infinity among the scores": Layout(
        {"score": ONE_INFINITY, "defaulted": HAPPENED}, classifier("score", "defaulted")
    ),
    "five columns, the label null for ten days": Layout(
        {
            "id": np.arange(ROWS),
            "ts": AT,
            "amount": NUMBER,
            "score": CHANCE,
            "is_fraud": late(HAPPENED),
        },
        {**classifier("score", "is_fraud"), "id": "id", "timestamp": "ts"},
        bare=True,
    ),
    "a flag that nobody would call an outcome, null for ten days": Layout(
        {"probability": CHANCE, "is_zebra": late(HAPPENED), "is_weekend": FLAG},
        classifier("probability", "is_zebra"),
    ),
    "no target": Layout({"probability": CHANCE}, classifier("probability", None)),
}

# What public data sets and libraries write.
FIELD = {
    "pred of a regression": Layout({"pred": AMOUNT, "y_true": CAME}, regression("pred", "y_true")),
    "prophet's yhat and its bounds": Layout(
        {"yhat": AMOUNT, "yhat_lower": AMOUNT - 9, "yhat_upper": AMOUNT + 9, "y": CAME},
        regression("yhat", "y"),
        out=("yhat_lower", "yhat_upper"),
    ),
    "p_0 and p_1": Layout(
        {"predict": LABEL, "p_0": 1 - CHANCE, "p_1": CHANCE, "actual": HAPPENED_01},
        classifier("p_1", "actual"),
        out=("predict", "p_0"),
    ),
    "probability_0 and probability_1": Layout(
        {"probability_0": 1 - CHANCE, "probability_1": CHANCE, "label": HAPPENED_01},
        classifier("probability_1", "label"),
        out=("probability_0",),
    ),
    "score_proba": Layout(
        {"score_proba": CHANCE, "ground_truth": HAPPENED}, classifier("score_proba", "ground_truth")
    ),
    "prob beside pred": Layout(
        {"pred": LABEL, "prob": CHANCE, "true_label": HAPPENED_01},
        classifier("prob", "true_label"),
        out=("pred",),
    ),
    "prediction_score of a model": Layout(
        {"prediction_score": CHANCE, "outcome": HAPPENED}, classifier("prediction_score", "outcome")
    ),
    "how sure a model is of its label": Layout(
        {
            "prediction_label": LABEL,
            "prediction_score": np.maximum(CHANCE, 1 - CHANCE),
            "target": HAPPENED_01,
        },
        refused=("'prediction_score' is at least 0.5", "'prediction_label'"),
    ),
    "house prices": Layout(
        {"Id": np.arange(ROWS) + 1, "date": AT, "LotArea": NUMBER, "OverallQual": DIGITS,
         "SalePrice": np.round(CAME * 1000).astype(int), "predicted_price": AMOUNT * 1000},
        {**regression("predicted_price", "SalePrice"), "id": "Id"},
        bare=True,
    ),
    "car prices with a model that is a car": Layout(
        {"model": RANDOM.choice(["A4", "Golf", "320i"], ROWS), "km_driven": NUMBER,
         "y_pred": AMOUNT, "y_true": CAME},
        {**regression("y_pred", "y_true"), "model_version": None},
    ),
    "a version called model": Layout(
        {"model": np.where(DAY < 30, "fraud-v1", "fraud-v2"), "y_pred": AMOUNT, "y_true": CAME},
        {**regression("y_pred", "y_true"), "model_version": "model"},
    ),
    "a model that was followed by another": Layout(
        {"model": np.where(DAY < 30, "otter", "lynx"), "y_pred": AMOUNT, "y_true": CAME},
        {**regression("y_pred", "y_true"), "model_version": "model"},
    ),
    "loans for cars": Layout(
        {"repaid_loan_on_prev_car": FLAG, "driver_tenure": NUMBER, "y_pred_proba": CHANCE,
         "y_pred": LABEL, "repaid": HAPPENED_01},
        classifier("y_pred_proba", "repaid"),
        out=("y_pred",),
    ),
    "employment": Layout(
        {"prediction": LABEL, "predicted_probability": CHANCE, "employed": HAPPENED_01,
         "is_married": FLAG, "MIL": DIGITS},
        refused=("'employed' may be the target", "--target employed", "--target none"),
    ),
    "home from work": Layout(
        {"identifier": np.arange(ROWS), "timestamp": AT, "tenure": NUMBER, "workday": KIND,
         "work_home_actual": HAPPENED_01, "y_pred_proba": CHANCE, "y_pred": LABEL},
        {**classifier("y_pred_proba", "work_home_actual"), "id": "identifier"},
        out=("y_pred",),
        bare=True,
    ),
    "clicks": Layout(
        {"p_click": CHANCE, "clicked": HAPPENED_01, "device_type": DIGITS},
        classifier("p_click", "clicked"),
    ),
    "conversions with a rate as input": Layout(
        {"conversion_probability": CHANCE, "converted": HAPPENED, "conversion_rate_7d": SHARE},
        classifier("conversion_probability", "converted"),
    ),
    "churn of a telephone company": Layout(
        {"customerID": [f"C{at}" for at in range(ROWS)], "run_date": AT,
         "SeniorCitizen": DIGITS % 2, "Partner": spelled("Yes", "No", FLAG),
         "PaperlessBilling": spelled("Yes", "No", SHARE > 0.5),
         "churn_probability": CHANCE, "Churn": spelled("Yes", "No")},
        {**classifier("churn_probability", "Churn"), "id": "customerID"},
        bare=True,
    ),
    "credit cards": Layout(
        {"prob_default": CHANCE, "default.payment.next.month": HAPPENED_01, "PAY_0": DIGITS},
        classifier("prob_default", "default.payment.next.month"),
    ),
    "fraud in camel case": Layout(
        {"predictedProbability": CHANCE, "predictedLabel": LABEL, "isFraud": HAPPENED_01},
        classifier("predictedProbability", "isFraud"),
        out=("predictedLabel",),
    ),
    "flights by minutes": Layout(
        {"predicted_arr_delay": AMOUNT, "ARR_DELAY": CAME, "DEP_DELAY": NUMBER, "DISTANCE": NUMBER},
        regression("predicted_arr_delay", "ARR_DELAY"),
    ),
    "flights by whether": Layout(
        {"delay_probability": CHANCE, "is_delayed": HAPPENED_01, "is_weekend": FLAG},
        classifier("delay_probability", "is_delayed"),
    ),
    "power as forecast": Layout(
        {"forecast_kw": AMOUNT, "actual_kw": CAME, "wind_speed": NUMBER},
        regression("forecast_kw", "actual_kw"),
    ),
    "an occupied room": Layout(
        {"Occupancy": HAPPENED_01, "occupancy_prob": CHANCE, "CO2": NUMBER, "Light": NUMBER},
        classifier("occupancy_prob", "Occupancy"),
    ),
    "an occupancy that is a share": Layout(
        {"predicted_occupancy": np.clip(SHARE + 0.05, 0, 1), "occupancy": SHARE},
        regression("predicted_occupancy", "occupancy"),
    ),
    "scored labels and probabilities": Layout(
        {"Scored Labels": LABEL, "Scored Probabilities": CHANCE, "Label": HAPPENED_01},
        classifier("Scored Probabilities", "Label"),
        out=("Scored Labels",),
    ),
    "a score that a label was cut from": Layout(
        {"prediction": LABEL, "fraud_score": CHANCE, "bureau_score": SHARE, "fraud": HAPPENED},
        classifier("fraud_score", "fraud"),
        out=("prediction",),
    ),
    "a label of 0 and 1 alone": Layout(
        {"prediction": LABEL, "target": HAPPENED_01}, classifier("prediction", "target")
    ),
    "a label as text alone": Layout(
        {"prediction": spelled("yes", "no", LABEL), "target": HAPPENED_01},
        classifier("prediction", "target"),
    ),
    "a label as a boolean beside a probability": Layout(
        {"prediction": LABEL == 1, "prediction_probability": CHANCE, "has_failed": HAPPENED},
        classifier("prediction_probability", "has_failed"),
        out=("prediction",),
    ),
    "a class that is neither yes nor no": Layout(
        {"probability": CHANCE, "class": spelled(">50K", "<=50K")},
        refused=("'class' may be the target", "'>50K'", "--target none"),
    ),
    "labels of -1 and 1": Layout(
        {"probability": CHANCE, "y": np.where(HAPPENED, 1, -1)},
        refused=("'y' may be the target", "not 0 and 1"),
    ),
    "a score on its own scale and a label": Layout(
        {"score": NUMBER * 10, "defaulted": HAPPENED},
        refused=("'defaulted' may be the target", "is not a probability"),
    ),
    "two probabilities": Layout(
        {"churn_probability": CHANCE, "upsell_probability": SHARE},
        refused=("--prediction churn_probability or --prediction upsell_probability",),
    ),
    "two outcomes": Layout(
        {"probability": CHANCE, "churned": HAPPENED, "returned": FLAG},
        refused=("--target churned or --target returned or --target none",),
    ),
    "two outcomes, one of them given": Layout(
        {"probability": CHANCE, "churned": HAPPENED, "returned": FLAG},
        classifier("probability", "returned"),
        out=("churned",),
        given={"target": "returned"},
    ),
    "a target by what it holds alone": Layout(
        {"probability": CHANCE, "two_year_recid": HAPPENED_01},
        refused=("'two_year_recid' may be the target", "--target two_year_recid"),
    ),
    "inputs that speak of the past": Layout(
        {"probability": CHANCE, "prev_prediction": SHARE, "previous_outcome": KIND,
         "last_score": SHARE, "has_returned": HAPPENED},
        classifier("probability", "has_returned"),
    ),
    "decisions and bands that are cut from the prediction": Layout(
        {"prob_default": CHANCE, "decision": spelled("decline", "approve", CHANCE > 0.3),
         "risk_band": np.digitize(CHANCE, [0.2, 0.6]), "approved": CHANCE <= 0.3,
         "defaulted": HAPPENED},
        classifier("prob_default", "defaulted"),
        out=("decision", "risk_band", "approved"),
    ),
    "loans by their status": Layout(
        {"prob_default": CHANCE, "loan_status": spelled("Charged Off", "Fully Paid")},
        refused=("'loan_status' may be the target", "'Charged Off'", "--target none"),
    ),
    "loans by their status, without a target": Layout(
        {"prob_default": CHANCE, "loan_status": spelled("Charged Off", "Fully Paid")},
        classifier("prob_default", None),
        out=("loan_status",),
        given={"target": "none"},
    ),
    "three classes of one word": Layout(
        {"prob": CHANCE, "readmitted": np.array(["NO", "<30", ">30"])[DIGITS]},
        refused=("'readmitted' may be the target", "is a probability"),
    ),
    "bank customers": Layout(
        {"CreditScore": NUMBER * 10, "EstimatedSalary": CAME * 900, "HasCrCard": FLAG * 1,
         "IsActiveMember": DIGITS % 2, "Exited": HAPPENED_01, "pred_proba": CHANCE},
        classifier("pred_proba", "Exited"),
    ),
    "sales under a name of their own": Layout(
        {"forecast": AMOUNT, "units": CAME, "price": NUMBER},
        refused=("'units' may be the target", "--target units"),
    ),
    "a time that is predicted": Layout(
        {"predicted_time": AMOUNT, "actual_time": CAME, "prediction_time_ms": NUMBER},
        regression("predicted_time", "actual_time"),
        out=("prediction_time_ms",),
    ),
    "errors beside both": Layout(
        {"y_pred": AMOUNT, "y_true": CAME, "abs_error": abs(AMOUNT - CAME),
         "residual": AMOUNT - CAME},
        regression("y_pred", "y_true"),
        out=("abs_error", "residual"),
    ),
    "a customer scored every day": Layout(
        {"customer_id": np.arange(ROWS) % 4, "run_date": AT, "age": NUMBER, "propensity": CHANCE,
         "purchased": late(HAPPENED)},
        {**classifier("propensity", "purchased"), "id": "customer_id", "timestamp": "run_date"},
        bare=True,
    ),
    "two times of the same kind": Layout(
        {"created_at": AT, "event_at": AT, "key": np.arange(ROWS), "age": NUMBER, "score": CHANCE},
        refused=("--timestamp created_at or --timestamp event_at",),
        bare=True,
    ),
    "the time of a label beside the time of a row": Layout(
        {"at_time": AT, "label_at": AT, "key": np.arange(ROWS), "age": NUMBER, "score": CHANCE},
        {**classifier("score", None), "timestamp": "at_time"},
        bare=True,
    ),
    "a time of observation beside its day": Layout(
        {"observed_at": AT, "partition_date": AT.date, "reading": np.arange(ROWS),
         "wind_speed": NUMBER, "predicted_kw": AMOUNT, "actual_kw": CAME},
        {**regression("predicted_kw", "actual_kw"), "timestamp": "observed_at"},
        bare=True,
    ),
    "times as text": Layout(
        {"timestamp": AT.astype(str), "key": np.arange(ROWS), "age": NUMBER, "score": CHANCE},
        {**classifier("score", None), "timestamp": "timestamp"},
        bare=True,
    ),
}  # fmt: skip
LAYOUTS = SEEN | FIELD
