"""What stops a delivery that has begun. One that cannot begin is bad input: safe_io.errors.BadInput, exit code 2."""


class DeliveryProblem(Exception):
    """A delivery that cannot go on. Its text is for the person who asked for it, and safe to show."""
