"""HTTP calls of which it is known how far they got: what all channels travel by."""
