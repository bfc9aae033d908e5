"""What answers to calls from outside: the receiver of pushes."""
