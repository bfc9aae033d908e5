"""What measures wxpush beside the senders that people use today, and writes docs/performance.md."""
