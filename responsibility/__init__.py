"""Who is responsible for what in an EKS platform, and whether your share is done: `python -m responsibility --help`.

Data flows one way: sources (templates, an account) → facts → checks → findings → one document → renderers.
Nothing here imports the stacks or the constructs: it reads what CloudFormation and EKS say, whoever wrote it.
"""
