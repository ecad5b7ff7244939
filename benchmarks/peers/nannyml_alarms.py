"""Alarms of NannyML's univariate drift calculator with its defaults; run in NannyML's environment.

python nannyml_alarms.py DIRECTORY    # with reference.parquet and later.parquet
"""

import json
import os
import sys
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml
import pandas as pd

directory = Path(sys.argv[1])
reference = pd.read_parquet(directory / "reference.parquet")
later = pd.read_parquet(directory / "later.parquet")
columns = [name for name in reference.columns if name != "at"]
for frame in (reference, later):
    for name in columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = frame[name].astype("category")
calculator = nannyml.UnivariateDriftCalculator(
    column_names=columns, timestamp_column_name="at", chunk_period="D"
)
calculator.fit(reference)
result = calculator.calculate(later).filter(period="analysis").to_df()
alarms = []
for name in columns:
    for method in {level[1] for level in result.columns if level[0] == name}:
        for day, is_alarm in enumerate(result[(name, method, "alert")]):
            if is_alarm:
                alarms.append({"day": day, "column": name})
(directory / "alarms.json").write_text(json.dumps(alarms))
