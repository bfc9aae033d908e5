"""What all tests share: the numbers of the guarantee, and no deadline for what a property test does."""

from hypothesis import settings

pytest_plugins = ["tests.guarantees.plugin"]

# How long something takes is measured in benchmarks/; a busy machine must not fail a test.
settings.register_profile("wxpush", deadline=None)
settings.load_profile("wxpush")
