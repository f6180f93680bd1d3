"""The platform of one cluster as a picture: AWS's side, your network, and who runs each layer on each kind of compute.

Every word and box comes from the document. Positions are computed, so that any number of zones, subnets and kinds of
compute finds its place; `Drawing.boxes` lets a test see that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from responsibility.document import ClusterReview, ComponentInfo, PictureSubnet
from responsibility.model import KIND_NAMES, OWNER_NAMES, OWNERS, Owner
from responsibility.render.html.drawing_compute import draw_compute, open_duties
from responsibility.render.html.drawing_network import ZONE_MIN, draw_elsewhere, draw_vpc, zones_of
from responsibility.render.html.svg import Box, Canvas, markup, text_width
from responsibility.render.words import kubernetes

GUTTER = 176
"""Left of the platform: the internet."""
PAD = 14
GAP = 10
MARGIN = 8
MIN_WIDTH = 1080

PATTERNS = markup(
    '<svg width="0" height="0" class="defs" aria-hidden="true" focusable="false"><defs>'
    '<pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="f-shared" width="7" height="7"/><rect class="l-shared" width="2" height="7"/></pattern>'
    '<pattern id="dots" width="7" height="7" patternUnits="userSpaceOnUse">'
    '<rect class="f-customer" width="7" height="7"/><circle class="l-customer" cx="3.5" cy="3.5" r=".9"/></pattern>'
    '<marker id="tip" markerWidth="8" markerHeight="8" refX="6" refY="3" orient="auto">'
    '<path class="tip" d="M0 0L6.5 3L0 6z"/></marker></defs></svg>'
)
"""Once per page, before the first picture: colour is never the only sign of an owner."""


@dataclass(frozen=True)
class Drawing:
    """A picture, the positions of its boxes, and the same in words."""

    svg: Markup
    words: list[str]
    width: float
    height: float
    boxes: list[Box]


def draw(cluster: ClusterReview, components: Sequence[ComponentInfo], described_by: str) -> Drawing:
    """Draws ``cluster``; ``described_by`` is the id of the element that will hold the words."""
    vpc = cluster.picture.vpc
    columns = len(zones_of(vpc)) if vpc else 1
    width = max(MIN_WIDTH, GUTTER + MARGIN + 2 * PAD + columns * (ZONE_MIN + GAP) - GAP)
    canvas = Canvas(width)
    y, api = _aws_side(canvas, cluster, components)
    _private_way(canvas, cluster, y)
    _dividing_line(canvas, y + 29)
    y, gateway = draw_vpc(canvas, vpc, components, GUTTER, y + 34, width - GUTTER - MARGIN)
    _internet(canvas, cluster, api, gateway)
    y = draw_elsewhere(canvas, cluster, GUTTER, y, width - GUTTER - MARGIN)
    y = draw_compute(canvas, cluster, components, MARGIN, y + 18, width - 2 * MARGIN)
    y = _legend(canvas, y + 14)
    svg = canvas.svg(y, f"Drawing of the platform of cluster {cluster.name}", described_by, "pic")
    return Drawing(svg, in_words(cluster), width, y, canvas.boxes)


def _aws_side(canvas: Canvas, cluster: ClusterReview, components: Sequence[ComponentInfo]) -> tuple[float, Box]:
    x, y, width = GUTTER, MARGIN, canvas.width - GUTTER - MARGIN
    rows = [component for component in components if component.group == "control_plane" and component.cells]
    per_row = max(1, int((width - 2 * PAD + GAP) // (200 + GAP)))
    lines = -(-len(rows) // per_row)
    height = 44 + 62 + lines * 44 + PAD
    canvas.box("aws", "", (x, y, width, height), "side f-aws-side", 8)
    support = f"{kubernetes(cluster.version)}, {_support(cluster)}"
    canvas.text(x + PAD, y + 26, "AWS's side: the control plane", 300, size=14, style="b")
    canvas.text(x + width - PAD, y + 26, support, width - 2 * PAD - 320, end=True)
    api = _settings(canvas, cluster, x + PAD, y + 40, width - 2 * PAD)
    box = (width - 2 * PAD - (per_row - 1) * GAP) / per_row
    for index, component in enumerate(rows):
        row, column = divmod(index, per_row)
        _component(canvas, cluster, component, (x + PAD + column * (box + GAP), y + 110 + row * 44, box, 36))
    return y + height, api


def _settings(canvas: Canvas, cluster: ClusterReview, x: float, y: float, width: float) -> Box:
    picture = cluster.picture
    reach = f"from {', '.join(picture.api_from)}" if picture.api_from else ""
    key = {"customer": "with your KMS key", "aws": "with a key of AWS", "unknown": "key not known"}[picture.key]
    logs = f"{len(picture.logs)} on" if picture.logs else "none on"
    cards = (
        ("API endpoint", picture.api if picture.api != "unknown" else "not known", reach),
        ("Encryption of the API's data", key, ""),
        ("Control plane logs", logs, ", ".join(picture.logs)),
    )
    card = (width - 2 * GAP) / 3
    boxes = []
    for index, (name, value, more) in enumerate(cards):
        left = x + index * (card + GAP)
        boxes.append(canvas.box(f"setting {name}", "aws", (left, y, card, 58), "card"))
        canvas.text(left + 10, y + 17, name, card - 20, size=11, style="m")
        canvas.text(left + 10, y + 34, value, card - 20, style="b")
        canvas.text(left + 10, y + 50, more, card - 20, size=11)
    return boxes[0]


def _component(
    canvas: Canvas, cluster: ClusterReview, component: ComponentInfo, at: tuple[float, float, float, float]
) -> None:
    owners: list[Owner] = list(dict.fromkeys(cell.owner for cell in component.cells))
    x, y, width, _ = at
    style = f"box f-{owners[0]}" if len(owners) == 1 else "box"
    canvas.box(f"component {component.id}", "aws", at, style)
    canvas.text(x + 9, y + 15, component.name, width - 18, style="b", size=11.5)
    open_ = open_duties(cluster, component.id)
    words = " or ".join(OWNER_NAMES[owner] for owner in owners) + (f", {open_} open" if open_ else "")
    canvas.text(x + 9, y + 29, words, width - 18, size=11)


def _internet(canvas: Canvas, cluster: ClusterReview, api: Box, gateway: Box | None) -> None:
    middle = api.y + api.height / 2
    net = canvas.box("internet", "", (MARGIN, middle - 28, 92, 56), "net", 28)
    canvas.text(MARGIN + 20, middle + 4, "Internet", 70, style="b")
    way = cluster.picture.api
    public = way in ("public", "public and private")
    word = "public" if public else "closed" if way == "private" else "not known"
    canvas.text(net.right + 6, middle - 8, word, GUTTER - net.right - 8, size=11)
    if public:
        canvas.line(f"M{net.right:g} {middle:g}H{api.x - 1:g}", "arrow")
    else:
        end = GUTTER - 8
        canvas.line(
            f"M{net.right:g} {middle:g}H{end:g}M{end:g} {middle - 9:g}v18",
            "arrow shut" if way == "private" else "arrow doubt",
        )
    if gateway:
        x = net.x + net.width / 2
        canvas.line(f"M{x:g} {net.bottom:g}V{gateway.y + gateway.height / 2:g}H{gateway.x - 1:g}", "arrow two")


def _dividing_line(canvas: Canvas, y: float) -> None:
    """The line of the shared responsibility model: AWS runs what is above it."""
    words, end = "your side, below this line", canvas.width - MARGIN
    canvas.line(f"M{MARGIN} {y:g}H{end:g}", "divide")
    canvas.text(end - text_width(words, 12), y - 6, words, 220, size=12, style="b")


def _private_way(canvas: Canvas, cluster: ClusterReview, y: float) -> None:
    if cluster.picture.api in ("private", "public and private"):
        x = GUTTER + 60
        canvas.line(f"M{x} {y + 32:g}V{y + 2:g}", "arrow")
        canvas.text(x + 12, y + 21, "private endpoint: from inside the VPC", 400, size=11)


def _legend(canvas: Canvas, y: float) -> float:
    x: float = MARGIN
    for owner in OWNERS:
        words = {"aws": "AWS does it", "shared": "Shared: both act", "customer": "You do it"}.get(
            owner, OWNER_NAMES[owner]
        )
        canvas.box(f"legend {owner}", "", (x, y, 22, 14), f"box f-{owner}", 3)
        canvas.text(x + 29, y + 11, words, 160, size=11.5)
        x += 29 + text_width(words, 11.5) + 26
    canvas.text(
        x,
        y + 11,
        "“2 open”: open duties of yours. Bar in a subnet: who runs a node",
        canvas.width - x - MARGIN,
        size=11.5,
    )
    return y + 14 + MARGIN


def _support(cluster: ClusterReview) -> str:
    support = cluster.support
    until = {"standard": support.standard_until, "extended": support.extended_until}.get(support.state)
    words = {
        "standard": "standard support",
        "extended": "extended support",
        "ended": "support has ended",
        "unknown": "support dates not known",
    }[support.state]
    return f"{words} until {until}" if until else words


def in_words(cluster: ClusterReview) -> list[str]:
    """Returns what the picture shows, in sentences."""
    picture, vpc = cluster.picture, cluster.picture.vpc
    reach = f", from {', '.join(picture.api_from)}" if picture.api_from else ""
    key = {"customer": "your key", "aws": "a key of AWS", "unknown": "a key that is not known"}[picture.key]
    words = [
        f"AWS's side: control plane, {kubernetes(cluster.version)}, {_support(cluster)}. "
        f"API endpoint: {picture.api}{reach}. API data encrypted with {key}. Logs: {', '.join(picture.logs) or 'none'}."
    ]
    if vpc is None:
        words.append("Your VPC: not known.")
    else:
        gateway = "an internet gateway" if vpc.internet_gateway else "no internet gateway"
        endpoints = f"endpoints for {', '.join(vpc.endpoints)}" if vpc.endpoints else "no VPC endpoints"
        words.append(f"Your VPC {vpc.name} {vpc.cidr}: {len(vpc.subnets)} subnets, {gateway}, {endpoints}.")
        for zone in zones_of(vpc):
            there = [_subnet_words(subnet) for subnet in vpc.subnets if subnet.zone == zone]
            words.append(f"Zone {zone or 'not known'}: {'; '.join(there) or 'no subnet'}.")
    words += [f"{KIND_NAMES[use.kind]}: {use.words}." for use in cluster.compute] or ["No compute is known."]
    words.append(f"Add-ons: {', '.join(picture.add_ons) or 'none'}.")
    return words


def _subnet_words(subnet: PictureSubnet) -> str:
    about = [
        subnet.reach,
        subnet.cidr,
        "NAT gateway" if subnet.nat else "",
        *(KIND_NAMES[kind] for kind in subnet.kinds),
    ]
    return f"{subnet.name} ({', '.join(filter(None, about))})"
