"""python -m trainshed."""

from trainshed.cli import main

if __name__ == "__main__":
    main()
