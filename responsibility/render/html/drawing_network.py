"""The middle of the drawing: your VPC with a column for each zone, and the subnets by how they reach the internet."""

from collections.abc import Sequence
from dataclasses import dataclass

from responsibility.document import ClusterReview, ComponentInfo, PictureSubnet, PictureVpc
from responsibility.model import KIND_NAMES
from responsibility.render.html.drawing_compute import DRAWN, owner_bar
from responsibility.render.html.svg import Box, Canvas, text_width, wrap

PAD = 12
GAP = 8
ZONE_MIN = 188
_SUBNET_MIN = 164
_CHIP = 22
_NAME = max(text_width(name, 11) for name in KIND_NAMES.values())
_REACHES = ("public", "private", "isolated", "unknown")


def zones_of(vpc: PictureVpc) -> list[str]:
    """Returns the zones to draw: the VPC's own, and those that only a subnet names (empty = not known)."""
    return list(dict.fromkeys([*vpc.zones, *(subnet.zone for subnet in vpc.subnets)]))


def draw_vpc(
    canvas: Canvas, vpc: PictureVpc | None, components: Sequence[ComponentInfo], x: float, y: float, width: float
) -> tuple[float, Box | None]:
    """Draws the VPC at x, y; returns its lower side and the internet gateway, if there is one."""
    if vpc is None:
        canvas.box("vpc", "", (x, y, width, 66), "side vague", 8)
        canvas.text(x + PAD, y + 27, "Your VPC: not known", width - 2 * PAD, size=14, style="b")
        canvas.text(x + PAD, y + 48, "It is not known in which network the cluster runs.", width - 2 * PAD)
        return y + 66, None
    nodes = [component for component in components if component.group == DRAWN]
    at = len(canvas.parts)  # the frame is drawn last, when its height is known, but lies behind
    canvas.text(x + PAD, y + 26, f"Your VPC: {vpc.name}", width - 2 * PAD - 220, size=14, style="b")
    canvas.text(x + width - PAD, y + 26, vpc.cidr, 200, end=True)
    top, gateway = _gateways(canvas, vpc, x + PAD, y + 40, width - 2 * PAD)
    bottom = _zones(canvas, vpc, nodes, x + PAD, top + GAP, width - 2 * PAD) + PAD
    canvas.box("vpc", "", (x, y, width, bottom - y), "side f-customer-side", 8)
    canvas.parts.insert(at, canvas.parts.pop())
    return bottom, gateway


def _gateways(canvas: Canvas, vpc: PictureVpc, x: float, y: float, width: float) -> tuple[float, Box | None]:
    words = "Internet gateway" if vpc.internet_gateway else "No internet gateway"
    size = text_width(words, 11.5) + 20
    endpoints = [f"VPC endpoints: {vpc.endpoints[0]}", *vpc.endpoints[1:]] if vpc.endpoints else ["No VPC endpoints"]
    lines = wrap(endpoints, width - size - GAP - 20, 11.5, lines=3, joint=", ")
    height = 12 + 16 * len(lines)
    gateway = canvas.box("gateway", "vpc", (x, y, size, height), "box f-customer" if vpc.internet_gateway else "vague")
    canvas.text(x + 10, y + height / 2 + 4, words, size - 20, size=11.5)
    style = "box f-customer" if vpc.endpoints else "vague"
    canvas.box("endpoints", "vpc", (x + size + GAP, y, width - size - GAP, height), style)
    for index, line in enumerate(lines):
        canvas.text(x + size + GAP + 10, y + 18 + 16 * index, line, width - size - GAP - 20, size=11.5)
    return y + height, gateway if vpc.internet_gateway else None


@dataclass(frozen=True)
class _Row:
    """The subnets of one reach: for each zone its lines of subnets, and how high the row is."""

    lines: list[list[list[PictureSubnet]]]
    height: float


def _zones(canvas: Canvas, vpc: PictureVpc, nodes: Sequence[ComponentInfo], x: float, y: float, width: float) -> float:
    zones = zones_of(vpc)
    if not zones:
        canvas.box("zones", "vpc", (x, y, width, 40), "vague")
        canvas.text(x + 10, y + 25, "Subnets and zones: not known.", width - 20)
        return y + 40
    column = (width - (len(zones) - 1) * GAP) / len(zones)
    rows = [row for reach in _REACHES if (row := _row(vpc, zones, reach, column - 2 * PAD)).height]
    height = 30 + sum(row.height + GAP for row in rows) + (0 if rows else 30)
    for index, zone in enumerate(zones):
        left = x + index * (column + GAP)
        frame = canvas.box(f"zone {index}", "vpc", (left, y, column, height), "zone", 6)
        canvas.text(
            left + PAD, y + 19, f"Zone {zone}" if zone else "Zone not known", column - 2 * PAD, size=11.5, style="m"
        )
        top = y + 30
        if not rows:
            canvas.text(left + PAD, top + 16, "no subnet known", column - 2 * PAD, size=11.5)
        for row in rows:
            _subnets(canvas, row.lines[index], nodes, frame, (left + PAD, top, column - 2 * PAD))
            top += row.height + GAP
    return y + height


def _row(vpc: PictureVpc, zones: list[str], reach: str, width: float) -> _Row:
    per_line = max(1, int((width + GAP) // (_SUBNET_MIN + GAP)))
    lines = []
    for zone in zones:
        there = [subnet for subnet in vpc.subnets if subnet.zone == zone and subnet.reach == reach]
        lines.append([there[start : start + per_line] for start in range(0, len(there), per_line)])
    return _Row(lines, max(sum(_height(line) + GAP for line in column) - (GAP if column else 0) for column in lines))


def _height(line: list[PictureSubnet]) -> float:
    return 46 + _CHIP * max(len(subnet.kinds) + subnet.nat for subnet in line)


def _subnets(
    canvas: Canvas,
    lines: list[list[PictureSubnet]],
    nodes: Sequence[ComponentInfo],
    zone: Box,
    at: tuple[float, float, float],
) -> None:
    x, y, width = at
    for line in lines:
        size = (width - (len(line) - 1) * GAP) / len(line)
        for index, subnet in enumerate(line):
            left = x + index * (size + GAP)
            box = canvas.box(
                f"subnet {subnet.id}", zone.name, (left, y, size, _height(line)), f"subnet r-{subnet.reach}"
            )
            canvas.text(left + 9, y + 17, subnet.name, size - 18, size=11.5, style="b")
            reach = "reach not known" if subnet.reach == "unknown" else subnet.reach
            canvas.text(left + 9, y + 33, f"{reach}  {subnet.cidr}", size - 18, size=11)
            _chips(canvas, subnet, nodes, box)
        y += _height(line) + GAP


def _chips(canvas: Canvas, subnet: PictureSubnet, nodes: Sequence[ComponentInfo], box: Box) -> None:
    top = box.y + 41
    if subnet.nat:
        canvas.box(f"{box.name} NAT", box.name, (box.x + 7, top, box.width - 14, _CHIP - 4), "box f-customer", 3)
        canvas.text(box.x + 14, top + 13, "NAT gateway", box.width - 28, size=11)
        top += _CHIP
    for kind in subnet.kinds:
        chip = canvas.box(f"{box.name} {kind}", box.name, (box.x + 7, top, box.width - 14, _CHIP - 4), "chip", 3)
        canvas.text(box.x + 14, top + 13, KIND_NAMES[kind], chip.width - 14, size=11)
        bar = min(90.0, chip.width - _NAME - 22)
        if bar >= 30:
            owner_bar(canvas, chip.name, chip.name, nodes, kind, (chip.right - bar - 6, top + 5, bar, 8))
        top += _CHIP


def draw_elsewhere(canvas: Canvas, cluster: ClusterReview, x: float, y: float, width: float) -> float:
    """Draws the kinds of compute that are in none of the subnets; returns the new lower side."""
    vpc = cluster.picture.vpc
    placed = {kind for subnet in vpc.subnets for kind in subnet.kinds} if vpc else set()
    missing = [KIND_NAMES[use.kind] for use in cluster.compute if use.kind not in placed]
    if not missing:
        return y
    canvas.box("elsewhere", "", (x, y + 12, width, 40), "side vague", 8)
    words = "In no subnet that is known here:"
    canvas.text(x + PAD, y + 36, words, 240)
    left = x + PAD + 246
    size = min(170.0, (width - 246 - 2 * PAD + GAP) / len(missing) - GAP)
    for name in missing:
        canvas.box(f"elsewhere {name}", "elsewhere", (left, y + 22, size, 20), "chip", 3)
        canvas.text(left + 8, y + 36, name, size - 16, size=11)
        left += size + GAP
    return y + 52
