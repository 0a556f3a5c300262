"""``python -m mfrec`` is the command ``mfrec``."""

from mfrec.cli import app

if __name__ == "__main__":
    app(prog_name="mfrec")
