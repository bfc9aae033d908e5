"""WeChat Official Account: everything that is WeChat and nothing else."""
