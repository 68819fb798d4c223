"""``python -m fixturesynth``: the command line, where its script is not on the path."""

from fixturesynth.cli import main

if __name__ == "__main__":
    main()
