"""What stops a delivery."""


class DeliveryProblem(Exception):
    """A delivery that cannot begin or go on. Its text is for the person who asked for it."""

    exit_code = 1


class Refusal(DeliveryProblem):
    """Nothing was changed: what was asked for is not possible, or not certain to be meant."""

    exit_code = 2
