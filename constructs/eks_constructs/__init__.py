"""CDK constructs for Amazon EKS: one file per capability, one folder per kind of compute.

Nothing is imported here, so that a program pays only for what it uses:
``from eks_constructs.control_plane import ControlPlane``.

The constructs are written with CloudFormation's own resources (L1). Half of what EKS offers exists only there,
the L2 defaults include values that the service refuses, and reviewers read CloudFormation: what a file
here says is what the template says. ``from_..._attributes`` of the L2 classes accept what the constructs expose.
"""
