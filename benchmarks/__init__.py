"""Benchmarks: ratios and rates against peers, limits and known truth."""
