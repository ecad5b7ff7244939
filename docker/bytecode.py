"""Imports what the services import, so that its bytecode, and no other, is in the image.

Of all packages it would be 290 MB; of what is imported it is 100. A module that is missing here
works all the same: each process compiles it anew.
"""

# ruff: noqa: F401
import alembic.command
import apprise
import dagster._cli
import dagster._cli.code_server
import dagster._daemon.cli
import dagster._grpc.proxy_server
import dagster._grpc.server
import dagster_dbt
import dagster_postgres
import dagster_webserver.app
import dagster_webserver.cli
import dbt.adapters.postgres
import dbt.cli.main
import evidently.presets
import evidently.tests
import grpc_health.v1.health_pb2_grpc
import joblib
import plotly.graph_objects
import plotly.offline
import psutil
import psycopg
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet
import requests
import rich.console
import rich.progress
import rich.table
import ruamel.yaml
import scipy.stats
import sklearn.dummy
import sklearn.ensemble
import sklearn.inspection
import sklearn.isotonic
import sklearn.linear_model
import sklearn.model_selection
import sqlalchemy.dialects.postgresql.psycopg
import threadpoolctl
import typer
