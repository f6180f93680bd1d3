"""What runs: the clusters of an account and region, read through boto3 into the facts that templates are read into.

`reading.read(account)` is the way in.
"""
