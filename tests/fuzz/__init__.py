"""Inputs that nobody means to give: what is fuzzed, property-based and guided by coverage."""
