"""`make fuzz MINUTES=30`: new inputs for every target, until the time is over. Exit code 1: an input failed."""

import argparse
import itertools
import sys
import time

from tests.fuzz.driver import Failure, play, targets


def main() -> int:
    """Plays inputs, and prints each that fails with its seed."""
    known = {target.name: target for target in targets()}
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="for how long (default: %(default)s)")
    parser.add_argument("--inputs", type=int, help="for so many inputs of each target at most")
    parser.add_argument("--target", choices=known, help="this one alone")
    parser.add_argument("--seed", type=int, help="this input alone, or the first one (default: the time)")
    options = parser.parse_args()
    chosen = [known[options.target]] if options.target else list(known.values())
    if options.target and options.seed is not None and not options.inputs:
        return _failed(chosen[0], options.seed)
    first = options.seed if options.seed is not None else int(time.time()) * 1000
    print(f"{len(chosen)} targets, seeds from {first}", flush=True)
    end, failures, played = time.monotonic() + 60 * options.minutes, 0, 0
    for seed in itertools.count(first):
        for target in chosen:
            failures += _failed(target, seed)
            played += 1
        if time.monotonic() > end or failures >= 20 or (options.inputs and seed - first + 1 >= options.inputs):
            break
    print(f"{played:,} inputs, {failures} failed")
    return 1 if failures else 0


def _failed(target: object, seed: int) -> int:
    try:
        play(target, seed)
    except Failure as failure:
        print(f"\n{failure.target}: {failure}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
