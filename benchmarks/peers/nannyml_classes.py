"""NannyML's estimates of several classes for each chunk, in the environment that has NannyML.

    python nannyml_classes.py DIRECTORY TIMESTAMP PREDICTION TARGET PERIOD

Reads reference.parquet, later.parquet and probabilities.json (columns by class); writes
estimates.json: a row a chunk and metric, with value and confidence bounds as NannyML gives them.
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
directory, timestamp, prediction, target, period = Path(sys.argv[1]), *sys.argv[2:]
reference = pd.read_parquet(directory / "reference.parquet")
later = pd.read_parquet(directory / "later.parquet")
metrics = ["accuracy", "f1"]
estimator = nml.CBPE(
    y_pred_proba=json.loads((directory / "probabilities.json").read_text()),
    y_pred=prediction,
    y_true=target,
    timestamp_column_name=timestamp,
    problem_type="classification_multiclass",
    metrics=metrics,
    chunk_period=period,
)
estimator.fit(reference)
estimates = estimator.estimate(later).filter(period="analysis").to_df()
rows = [
    {
        "day": str(row[("chunk", "start_date")].date()),
        "metric": {"f1": "f1_macro"}.get(metric, metric),
        "value": float(row[(metric, "value")]),
        "lower": float(row[(metric, "lower_confidence_boundary")]),
        "upper": float(row[(metric, "upper_confidence_boundary")]),
    }
    for _, row in estimates.iterrows()
    for metric in metrics
]
(directory / "estimates.json").write_text(json.dumps(rows))
