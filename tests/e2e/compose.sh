#!/usr/bin/env bash
# The compose stack from end to end, on a machine with a Docker engine:
#   bash tests/e2e/compose.sh
# Builds, starts, runs two days, and asks Postgres, Dagster and Grafana; removes everything again.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! docker info > /dev/null 2>&1; then
    echo "error: no Docker engine answers; start one, or use make demo, which needs none" >&2
    exit 2
fi
if ! docker compose version > /dev/null 2>&1; then
    echo "error: docker has no compose; install its compose plugin" >&2
    exit 2
fi
if ! [ -x .venv/bin/python ] || ! command -v curl > /dev/null; then
    echo "error: the checks need .venv (make venv) and curl" >&2
    exit 2
fi
# Compose prefers the shell's variables over a file's; an alert must not reach a real webhook.
unset POSTGRES_PASSWORD READER_PASSWORD GRAFANA_ADMIN_PASSWORD ALERT_WEBHOOK_URL \
    GRAFANA_PORT DAGSTER_PORT ADMINER_PORT COMPOSE_FILE COMPOSE_PROFILES

scratch=$(mktemp -d)
secret() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
admin=$(secret)
cat > "$scratch/env" << ENV
POSTGRES_PASSWORD=$(secret)
READER_PASSWORD=$(secret)
GRAFANA_ADMIN_PASSWORD=$admin
ALERT_WEBHOOK_URL=
GRAFANA_PORT=13000
DAGSTER_PORT=13001
ADMINER_PORT=18080
ENV
compose() { docker compose --project-name "driftmeter-e2e-$$" --env-file "$scratch/env" "$@"; }
finish() {
    status=$?
    [ "$status" -eq 0 ] || compose logs --tail 60 || true
    compose down --volumes --remove-orphans || true
    rm -rf "$scratch"
    exit "$status"
}
trap finish EXIT

echo "== up"
compose up --detach --build --wait
echo "== two days through the chain"
compose exec -T code driftmeter demo --from 2019-04-01 --to 2019-04-02
# shellcheck disable=SC2016  # the container's shell has the password, ours has not
days=$(compose exec -T postgres sh -c 'PGPASSWORD=$POSTGRES_PASSWORD psql -h 127.0.0.1 \
    -U driftmeter -At -c "select count(*) from metrics.partitions where state = '"'fresh'"'"')
[ "$days" = 4 ] || { echo "error: $days fresh partitions, 4 were expected" >&2; exit 1; }
echo "== Dagster"
assets=$(curl --fail --silent --header 'Content-Type: application/json' \
    --data '{"query": "{ assetNodes { id } }"}' http://127.0.0.1:13001/graphql)
[[ $assets == *'"assetNodes": [{'* || $assets == *'"assetNodes":[{'* ]] \
    || { echo "error: Dagster loaded no assets: $assets" >&2; exit 1; }
echo "== Grafana"
curl --fail --silent http://127.0.0.1:13000/api/health
owner=$(grep '^POSTGRES_PASSWORD=' "$scratch/env" | cut -d= -f2)
container=$(compose ps --quiet postgres)
GRAFANA_URL=http://127.0.0.1:13000 GRAFANA_USER=admin GRAFANA_PASSWORD=$admin \
    WAREHOUSE_PSQL="docker exec -i -e PGPASSWORD=$owner $container psql -h 127.0.0.1 -U driftmeter" \
    .venv/bin/python -m pytest tests/e2e/test_grafana.py
echo "== all well"
