"""Whether a text can fit two patterns at once. A pattern is a list of letters, of ``ANY`` (any text) and of ``ONE`` (any letter)."""

ANY, ONE = object(), object()
_MOST_STEPS = 1_000_000
"""Two patterns that would take more steps to compare may fit: nobody writes such names."""


def meet(first: list[object], second: list[object]) -> bool:
    """Whether a text fits both of two patterns."""
    if len(first) * len(second) > _MOST_STEPS:
        return True
    reached = [True, *([False] * len(second))]
    for index, there in enumerate(second):
        reached[index + 1] = reached[index] and there is ANY
    for here in first:
        row = [reached[0] and here is ANY]
        for index, there in enumerate(second):
            if here is ANY or there is ANY:
                # It takes nothing, or a letter of the other.
                row.append(reached[index + 1] or row[index])
            else:
                row.append(reached[index] and (here == there or here is ONE or there is ONE))
        reached = row
    return reached[-1]
