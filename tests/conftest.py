"""What all tests share: the numbers of the guarantee."""

pytest_plugins = ["tests.guarantees.plugin"]
