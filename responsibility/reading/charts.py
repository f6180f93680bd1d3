"""Facts about Helm charts."""

from __future__ import annotations

from responsibility.reading.facts import Fact
from responsibility.reading.properties import Prop


class HelmChart(Fact):
    """A Helm chart that a custom resource installs."""

    what = "Helm chart"
    chart = Prop("Chart", "")
    version = Prop("Version", "")
    namespace = Prop("Namespace", "default")

    @property
    def name(self) -> str:
        """The release, else the chart."""
        return str(self.resource.maybe("Release") or self.resource.maybe("Chart") or self.resource.id)
