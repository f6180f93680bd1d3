"""Duties at EKS capabilities: AWS runs the controllers, and their logs are yours to ask for."""

from responsibility.checks.check import Answer, check, met, open_
from responsibility.reading.running import Capability


@check("EKR216", Capability)
def capability_logs_are_delivered(capability: Capability) -> Answer:
    """Asked of templates: deliveries of an account are no resources that an audit reads."""
    for source in capability.facts.of_type("AWS::Logs::DeliverySource"):
        found = capability.facts.find(Capability, source.resource.maybe("ResourceArn"))
        if found is capability:
            return met(f"delivers {source.resource.maybe('LogType', 'its logs')}", source.at("ResourceArn"))
    return open_("delivers no logs of its controllers", capability.at())
