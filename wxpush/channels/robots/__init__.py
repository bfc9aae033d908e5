"""Group robots, addresses and commands that are told how a run ended."""
