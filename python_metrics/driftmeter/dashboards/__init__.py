"""Grafana's dashboards as code: panels and their SQL, written to `grafana/dashboards`."""
