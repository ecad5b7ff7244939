"""Whether Driftmeter itself works: what is looked at, and what to do where something does not."""
