"""The local WeChats that are measured against: nginx, and one with latency that remembers."""
