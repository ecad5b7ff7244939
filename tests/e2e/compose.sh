#!/usr/bin/env bash
# The compose stack from end to end, on a machine with a Docker engine:
#   bash tests/e2e/compose.sh
# Builds, starts, runs days, breaks things, upgrades, backs up and restores; removes everything again.
# From the environment, all optional:
#   POSTGRES_IMAGE, GRAFANA_IMAGE, ADMINER_IMAGE, PYTHON_IMAGE   other images than the pinned ones
#   UPGRADE_FROM   the commit whose stack is upgraded to this one (HEAD~1); empty leaves that out
#   OUTSIDE        host:port that answers outside the engine's machine (1.1.1.1:443)
#   TRIPS          simulated trips a day (200)
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() { echo "error: $*" >&2; exit 1; }
missing() { echo "error: $*" >&2; exit 2; }
docker info > /dev/null 2>&1 || missing "no Docker engine answers; start one, or use make demo, which needs none"
docker compose version > /dev/null 2>&1 || missing "docker has no compose; install its compose plugin"
for tool in .venv/bin/python curl git; do
    command -v "$tool" > /dev/null || missing "the checks need .venv (make venv-dev), curl and git"
done
# Compose prefers the shell's variables over a file's; a message must not reach a real person.
unset POSTGRES_PASSWORD READER_PASSWORD GRAFANA_ADMIN_PASSWORD ALERT_WEBHOOK_URL NOTIFY_URLS \
    GRAFANA_PORT DAGSTER_PORT ADMINER_PORT REPORTS_PORT COMPOSE_FILE COMPOSE_PROFILES \
    POSTGRES_ADDRESS POSTGRES_USER POSTGRES_DB POSTGRES_SSLMODE DATA_NETWORK_INTERNAL

project=driftmeter-e2e-$$
scratch=$(mktemp -d)
secret() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
owner=$(secret) admin=$(secret)
cat > "$scratch/env" << ENV
POSTGRES_PASSWORD=$owner
READER_PASSWORD=$(secret)
GRAFANA_ADMIN_PASSWORD=$admin
COMPOSE_PROFILES=postgres,grafana,adminer
GRAFANA_PORT=13000
DAGSTER_PORT=13001
REPORTS_PORT=13002
ADMINER_PORT=18080
ENV
export DRIFTMETER_IMAGE=driftmeter:$project
grafana=http://127.0.0.1:13000 dagster=http://127.0.0.1:13001 reports=http://127.0.0.1:13002
trips=${TRIPS:-200} outside=${OUTSIDE:-1.1.1.1:443} old=${UPGRADE_FROM-HEAD~1}

step() { printf '\n== %4d s  %s\n' "$SECONDS" "$*"; }
compose() { docker compose --project-name "$project" --env-file "$scratch/env" --progress quiet "$@"; }
code() { compose exec -T code "$@"; }
# The password is in the container's shell; a local login needs it too.
in_postgres() { compose exec -T -e PGPASSWORD="$owner" -e PGUSER=driftmeter -e PGDATABASE=driftmeter postgres "$@"; }
sql() { in_postgres psql -At --set ON_ERROR_STOP=1 -c "$1"; }
pages() { .venv/bin/python tests/e2e/dagster_pages.py "$dagster" "$@"; }
same() { [ "$2" = "$3" ] || fail "$1: $2, and $3 was expected"; echo "$1: $2"; }
fresh() { sql "select count(*) from metrics.partitions where state = 'fresh'"; }
# Two monitors: two rows a day.
contents() {
    sql "select format('%s days, %s drift, %s profile rows, %s trips, %s incidents, %s runs',
        (select count(*) from metrics.partitions where state = 'fresh'),
        (select count(*) from metrics.drift), (select count(*) from metrics.column_profile),
        (select count(*) from raw.trips), (select count(*) from metrics.incidents),
        (select count(*) from dagster.runs where status = 'SUCCESS'))"
}
finish() {
    status=$?
    trap - EXIT
    [ "$status" -eq 0 ] || compose logs --tail 40 || true
    compose --profile '*' down --volumes --remove-orphans --timeout 5 || true
    docker rm --force --volumes "$project-own-postgres" > /dev/null 2>&1 || true
    docker image rm "$DRIFTMETER_IMAGE" > /dev/null 2>&1 || true
    [ ! -d "$scratch/old" ] || git worktree remove --force "$scratch/old"
    rm -rf "$scratch"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

if [ -n "$old" ]; then
    step "the stack of $old ($(git log -1 --format=%h "$old")), which is upgraded later"
    git worktree add --quiet --detach "$scratch/old" "$old"
    before() { compose --project-directory "$scratch/old" --file "$scratch/old/docker-compose.yml" "$@"; }
    before up --detach --build --wait
    before exec -T code driftmeter demo --trips-per-day "$trips" --from 2019-04-01 --to 2019-04-02 > "$scratch/demo"
    same "fresh partitions" "$(fresh)" 4
    was=$(contents)
    before down --timeout 20
fi

step "build, up"
compose build
docker image inspect --format 'image: {{.Size}} bytes' "$DRIFTMETER_IMAGE"
started=$SECONDS
compose up --detach --wait
echo "up and healthy after $((SECONDS - started)) s"
if [ -n "$old" ]; then
    step "the data of the older stack is there"
    same "contents" "$(contents)" "$was"
    code driftmeter run
else
    code driftmeter demo --trips-per-day "$trips" --from 2019-04-01 --to 2019-04-02 > "$scratch/demo"
fi

step "at rest"
.venv/bin/python tests/e2e/usage.py "$project" 60

step "a day by driftmeter demo in the container"
.venv/bin/python tests/e2e/usage.py "$project" 1200 "$scratch/ended" & usage=$!
code driftmeter demo --trips-per-day "$trips" --from 2019-04-03 --to 2019-04-03 | tee "$scratch/demo" | tail -8
touch "$scratch/ended"; wait "$usage"
same "fresh partitions" "$(fresh)" 6
! grep -q 'file://' "$scratch/demo" || fail "a link leads into the container"

step "a day through Dagster's GraphQL API"
pages wait "$(pages launch 2019-04-04)" SUCCESS
same "fresh partitions" "$(fresh)" 8

step "the daemon ticks the sensor and the schedule"
pages start sensor stale_days
pages tick sensor stale_days
pages start schedule every_morning
# As if it had been turned on a day ago: its last six o'clock is then due. The daemon, which keeps
# these times too, does not look meanwhile.
compose stop --timeout 10 daemon
sql "update dagster.instigators set instigator_body = regexp_replace(instigator_body,
    '\"(start_timestamp|last_iteration_timestamp)\": *[0-9.]+',
    '\"\\1\": ' || extract(epoch from now() - interval '1 day'), 'g')
    where instigator_body like '%every_morning%'"
compose up --detach --wait daemon
ticked=$(pages tick schedule every_morning)
echo "schedule: $ticked"
[[ $ticked == SUCCESS\ * ]] || fail "the schedule started no run"
pages wait "${ticked#SUCCESS }" SUCCESS

step "pages"
link=$(code driftmeter report --monitor trip_duration --date 2019-04-03)
echo "$link"
[[ $link == "$reports"/* || $link == "${reports/127.0.0.1/localhost}"/* ]] || fail "that is no link to the reports"
curl --fail --silent "$reports/${link##*/}" > "$scratch/report.html"
grep -q 'id="driftmeter"' "$scratch/report.html" || fail "no report is there"
code driftmeter report --overview
curl --fail --silent "$reports/overview.html" > /dev/null
same "a path out of the folder" "$(curl --silent --path-as-is --output /dev/null --write-out '%{http_code}' "$reports/../dagster/dagster.yaml")" 404
curl --fail --silent http://127.0.0.1:18080/ > "$scratch/adminer.html"
grep -q 'auth\[username\]' "$scratch/adminer.html" || fail "Adminer shows no login"
echo "Adminer's login page"
health=$(curl --fail --silent "$grafana/api/health")
if [[ $health == *'"version": "1'* || $health == *'"version":"1'* ]]; then
    GRAFANA_URL=$grafana GRAFANA_USER=admin GRAFANA_PASSWORD=$admin \
        WAREHOUSE_PSQL="docker exec -i -e PGPASSWORD=$owner $(compose ps --quiet postgres) psql -h 127.0.0.1 -U driftmeter" \
        .venv/bin/python -m pytest tests/e2e/test_grafana.py
else
    echo "NOT PROVEN: a stand-in answers for Grafana ($health): its datasource, dashboards and alerts"
fi

step "the image's list of its packages"
compose exec -T code python -c "
import importlib.metadata as metadata, json, re
plain = lambda name: re.sub(r'[-_.]+', '-', name).lower()
listed = {plain(part['name']) for part in json.load(open('/sbom.cdx.json'))['components']}
there = {plain(package.metadata['Name']) for package in metadata.distributions()} - {'driftmeter'}
assert listed == there, listed ^ there
print(len(listed), 'packages, listed and there')"

step "rights, and who reaches outside ($outside)"
for service in code webserver daemon reports; do
    compose exec -T "$service" python -c "
import os
status = dict(line.split(':', 1) for line in open('/proc/self/status') if ':' in line)
assert os.getuid() == 10001 and int(status['CapEff'], 16) == 0, status
try:
    open('/app/written', 'w')
except OSError as error:
    print('$service: uid 10001, no capability,', error.strerror)
else:
    raise SystemExit('the root file system can be written')"
done
reaches() {
    compose exec -T "$1" python -c "import socket, sys; socket.create_connection(sys.argv[1].rsplit(':', 1), 5)" "$outside" 2> /dev/null
}
if reaches code; then
    for service in webserver daemon reports; do
        ! reaches "$service" || fail "$service reaches outside"
    done
    ! in_postgres timeout 5 bash -c "exec 3<> /dev/tcp/${outside/:/\/}" 2> /dev/null || fail "postgres reaches outside"
    ! compose exec -T adminer php -r "exit(@fsockopen('${outside%:*}', ${outside##*:}, \$n, \$e, 5) ? 0 : 1);" || fail "adminer reaches outside"
    echo "code does; webserver, daemon, reports, postgres and adminer do not"
else
    echo "NOT PROVEN: not even code reaches $outside; name what answers in OUTSIDE"
fi

step "postgres restarts under a run"
run=$(pages launch 2019-04-05 2019-04-06)
pages wait "$run" STARTED 300
for _ in $(seq 120); do
    [ "$(sql "select count(*) from dagster.event_logs where run_id = '$run' and step_key = 'dbt_models'
        and dagster_event_type = 'STEP_START'")" = 0 ] || break
    sleep 1
done
compose stop --timeout 10 postgres
sleep 15
compose up --detach --wait postgres
# At once: no page may show an error of a dead connection.
pages wait "$run" 'STARTED|STARTING|SUCCESS|FAILURE' 60
pages wait "$run" SUCCESS
pages wait "$(pages launch 2019-04-05 2019-04-06)" SUCCESS
same "fresh partitions of those days" "$(sql "select count(*) from metrics.partitions
    where state = 'fresh' and partition_date between '2019-04-05' and '2019-04-06'")" 4

step "code is killed under a run"
run=$(pages launch 2019-04-07)
pages wait "$run" STARTED 300
sleep 5
compose kill code
compose up --detach --wait
compose logs --no-log-prefix code | grep "run $run was cut off" || fail "that run was not marked as failed"
pages wait "$run" FAILURE 60
pages wait "$(pages launch 2019-04-07)" SUCCESS

step "down and up"
was=$(contents)
compose down --timeout 20
compose up --detach --wait
same "contents" "$(contents)" "$was"

step "backup, as docs/stack.md has it, and restore into new volumes"
in_postgres pg_dump --format custom > "$scratch/warehouse.dump"
code tar -C /var/lib/driftmeter -cz . > "$scratch/home.tgz"
du -h "$scratch/warehouse.dump" "$scratch/home.tgz"
compose down --volumes --timeout 20
compose up --detach --wait postgres
sql "create role driftmeter_reader login; create role driftmeter_loader;
    create role driftmeter_transformer; create role driftmeter_writer"
in_postgres pg_restore --exit-on-error --dbname driftmeter < "$scratch/warehouse.dump"
compose run --rm --no-deps -T migrate tar -C /var/lib/driftmeter -xz < "$scratch/home.tgz"
compose up --detach --wait
same "contents" "$(contents)" "$was"
curl --fail --silent --output /dev/null "$reports/${link##*/}" && echo "the report is there"
pages wait "$(pages launch 2019-04-04)" SUCCESS

step "profiles: your own Postgres, no Grafana, no Adminer"
compose down --volumes --timeout 5
docker run --detach --name "$project-own-postgres" --publish 15432:5432 -e POSTGRES_USER=driftmeter \
    -e POSTGRES_DB=own -e POSTGRES_PASSWORD="$owner" "${POSTGRES_IMAGE:-postgres:18.1-bookworm}" > /dev/null
until docker exec "$project-own-postgres" pg_isready --quiet --host 127.0.0.1; do sleep 1; done
gateway=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}' "$project-own-postgres")
cat >> "$scratch/env" << ENV
COMPOSE_PROFILES=
POSTGRES_ADDRESS=$gateway:15432
POSTGRES_DB=own
DATA_NETWORK_INTERNAL=false
ENV
compose up --detach --wait
same "services" "$(compose ps --services | sort | xargs)" "code daemon reports webserver"
docker exec -e PGPASSWORD="$owner" "$project-own-postgres" psql -h 127.0.0.1 -U driftmeter -d own -Atc \
    "select count(*) || ' tables of Dagster and Driftmeter in it' from pg_tables where schemaname in ('dagster', 'metrics')"

step "all well"
