"""Where lists come from besides files, and who of a list is meant."""
