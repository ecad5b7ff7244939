"""NannyML's performance estimates of each chunk, in the environment that has NannyML.

    python nannyml_performance.py DIRECTORY TASK

Reads reference.parquet and later.parquet (features, ``prediction``, ``target``, ``at``); of task
multiclass ``said`` is the predicted class, and probabilities.json has the columns by class. Writes
estimates.json: a row a day and metric, with value and confidence bounds as NannyML gives them.
"""

import json
import os
import sys
import warnings
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml as nml
import pandas as pd

warnings.filterwarnings("ignore")
directory, task = Path(sys.argv[1]), sys.argv[2]
reference = pd.read_parquet(directory / "reference.parquet")
later = pd.read_parquet(directory / "later.parquet")
own = ("prediction", "target", "at", "said")
# Its encoder fails on a column without any value.
features = [name for name in reference.columns if name not in own and reference[name].notna().any()]
if task == "regression":
    for name in features:
        if not pd.api.types.is_numeric_dtype(reference[name]):
            # Numbered: its encoder cannot take text as newer pandas keeps it.
            known = {value: code for code, value in enumerate(reference[name].dropna().unique())}
            for frame in (reference, later):
                codes = frame[name].map(known).astype(float).fillna(-1).astype(int)
                frame[name] = pd.Categorical(codes, categories=range(-1, len(known)))
    metrics = ["mae", "rmse"]
    estimator = nml.DLE(
        feature_column_names=features,
        y_pred="prediction",
        y_true="target",
        timestamp_column_name="at",
        metrics=metrics,
        chunk_period="D",
    )
else:
    is_of_two = task == "classification"
    of_two = ["accuracy", "precision", "recall", "f1", "roc_auc"]
    metrics = of_two if is_of_two else ["accuracy", "f1"]
    columns = directory / "probabilities.json"
    estimator = nml.CBPE(
        y_pred_proba="prediction" if is_of_two else json.loads(columns.read_text()),
        y_pred="said",
        y_true="target",
        timestamp_column_name="at",
        problem_type="classification_binary" if is_of_two else "classification_multiclass",
        metrics=metrics,
        chunk_period="D",
    )
estimator.fit(reference)
estimates = estimator.estimate(later).filter(period="analysis").to_df()
rows = [
    {
        "day": str(row[("chunk", "start_date")].date()),
        "metric": metric,
        "value": float(row[(metric, "value")]),
        "lower": float(row[(metric, "lower_confidence_boundary")]),
        "upper": float(row[(metric, "upper_confidence_boundary")]),
    }
    for _, row in estimates.iterrows()
    for metric in metrics
]
(directory / "estimates.json").write_text(json.dumps(rows))
