"""What is older than a team keeps: found, shown and dropped, whole months at a time."""
