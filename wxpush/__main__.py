"""`python -m wxpush` is the command `wxpush`."""

from wxpush.cli import main

if __name__ == "__main__":
    main()
