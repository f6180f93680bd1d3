"""A review or an audit, seen through a framework: each control is met, open, AWS's, unknown, or not checkable."""
