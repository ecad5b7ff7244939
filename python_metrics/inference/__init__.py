"""The worked example's own models: trained on declared days, saved with their hash, and scored daily."""
