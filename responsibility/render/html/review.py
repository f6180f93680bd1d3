"""The review as one HTML page, with its styles, script and pictures."""

from responsibility.document import Review
from responsibility.findings import SEVERITIES
from responsibility.render.digest import kinds_moved, losses
from responsibility.render.html import drawing as pictures
from responsibility.render.html.counts import compared, cost_groups, differences, headline, resources
from responsibility.render.html.jinja import page
from responsibility.render.html.matrix import matrix
from responsibility.render.html.parts import Clusters
from responsibility.render.html.share import open_by_cluster, share
from responsibility.render.html.timeline import timeline
from responsibility.render.words import holder, kubernetes, named, origin


def html(review: Review) -> str:
    """Returns the page."""
    clusters = Clusters(review)
    open_in = open_by_cluster(review)
    return page(
        "review",
        review=review,
        clusters=clusters,
        drawings=[
            pictures.draw(cluster, review.components, f"words-{number}")
            for number, cluster in enumerate(review.clusters, 1)
        ],
        open_in=open_in,
        worst_clusters=sorted(
            enumerate(review.clusters, 1),
            key=lambda item: [-open_in[item[1].id][severity] for severity in SEVERITIES],
        ),
        share=share(review, clusters),
        matrix=matrix(review, clusters),
        timeline=timeline(review),
        differences=differences(review),
        headline=headline(review),
        compared=compared(review),
        resources=resources(review),
        kinds_moved=kinds_moved(review.baseline) if review.baseline else [],
        cost_groups=cost_groups(review.cost, clusters),
        component_names={component.id: component.name for component in review.components},
        losses=losses(review.baseline) if review.baseline else [],
        SEVERITIES=SEVERITIES,
        PATTERNS=pictures.PATTERNS,
        named=named,
        holder=holder,
        origin=origin,
        kubernetes=kubernetes,
    )
