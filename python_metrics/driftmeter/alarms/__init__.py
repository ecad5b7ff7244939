"""Alarms within a budget: how much calm days vary, and which days differ from that."""
