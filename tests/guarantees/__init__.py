"""The acceptance tests of the delivery guarantee, T1 to T40, each in a short and a long version."""
