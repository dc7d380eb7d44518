"""Tell one seed step by step: `python -m tests.simulation.replay SEED`."""

import sys

from tests.simulation.run import Failed, run_seed


def main(arguments: list[str]) -> int:
    """0 where every promise was kept."""
    if len(arguments) != 1 or not arguments[0].isdigit():
        print(__doc__)
        return 2
    try:
        world = run_seed(int(arguments[0]))
    except Failed as failed:
        print(failed)
        return 1
    print(world.weather, *world.trace, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
