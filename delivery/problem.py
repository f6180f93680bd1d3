"""A delivery that fails half-way. One that cannot begin is bad input: safe_io.errors.BadInput, exit code 2."""


class DeliveryProblem(Exception):
    """A delivery that cannot go on. Its text is safe to show."""
