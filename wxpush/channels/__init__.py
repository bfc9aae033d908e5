"""The channels that messages travel through; one folder each, none knows another."""
