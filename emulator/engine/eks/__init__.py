"""Amazon EKS: its API over HTTP, its state, its rules, and CloudFormation's resource types on top of it."""
