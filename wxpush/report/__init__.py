"""Files that tell how a run went."""
