"""Trial runners: what executes jobs."""
