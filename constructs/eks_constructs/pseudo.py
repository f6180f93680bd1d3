"""CloudFormation's pseudo parameters, asked of the CDK once: each access of its own ``Aws`` is a message to Node."""

import aws_cdk


class Aws:
    """Tokens for the account, the region and the partition that a stack is deployed to."""

    ACCOUNT_ID: str = aws_cdk.Aws.ACCOUNT_ID
    PARTITION: str = aws_cdk.Aws.PARTITION
    REGION: str = aws_cdk.Aws.REGION
