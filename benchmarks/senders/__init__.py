"""The programs that are measured beside wxpush, each started as a process of its own."""
