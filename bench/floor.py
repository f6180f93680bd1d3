"""`python -m bench.floor STACKS`: as many stacks, each with one resource that makes nothing. The CDK for Python is no faster."""

import gc
import sys

from stacks.node import use_pinned_node


def main(stacks: int) -> None:
    """Synthesises empty stacks into CDK_OUTDIR, as app.py does with ``checks=off``."""
    use_pinned_node()
    import aws_cdk as cdk

    gc.disable()
    app = cdk.App(analytics_reporting=False, builtin_cloud_formation_validation=False)
    for number in range(stacks):
        cdk.CfnWaitConditionHandle(cdk.Stack(app, f"stack-{number}"), "Nothing")  # a template needs a resource
    app.synth()


if __name__ == "__main__":
    main(int(sys.argv[1]))
