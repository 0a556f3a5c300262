"""``python -m mfrec`` is the command ``mfrec``."""

from mfrec.cli import main

if __name__ == "__main__":
    main()
