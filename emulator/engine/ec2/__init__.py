"""Amazon EC2: the resource types that ministack lacks, answers with every member they have, and what EC2 would refuse."""
