"""Dashboards without Grafana: the panels' own queries, drawn into one HTML page."""
