"""Typed facts about an EKS platform, read from CloudFormation. `facts.read(where)` is the way in."""
