"""The worked example's own models: trained on declared days, hashed, and scored daily."""
