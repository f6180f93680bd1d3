"""How long EKS supports each Kubernetes version, as a picture: a bar for each version, a line for the day of the review."""

from datetime import date

from markupsafe import Markup

from responsibility.document import Review, VersionSupport
from responsibility.render.html.svg import Canvas

_LEFT = 64
_RIGHT = 250
_WIDTH = 1080
_ROW = 34
_TOP = 34


def timeline(review: Review) -> Markup | None:
    """Draws the time line; None if no version has dates."""
    dated = [version for version in review.versions if version.released and version.standard_until]
    if not dated:
        return None
    starts = [version.released for version in dated if version.released]
    ends = [end for version in dated for end in (version.standard_until, version.extended_until) if end]
    scale = _Scale(min([*starts, review.as_of]), max([*ends, review.as_of]))
    canvas = Canvas(_WIDTH)
    rows = [version for version in review.versions if version in dated or _used(review, version)]
    bottom = _TOP + _ROW * len(rows)
    _years(canvas, scale, bottom)
    for index, version in enumerate(rows):
        _version(canvas, review, scale, version, _TOP + _ROW * index)
    x = scale.x(review.as_of)
    canvas.line(f"M{x:g} {_TOP - 8}V{bottom + 4}", "now")
    canvas.text(x + 5 if x < _WIDTH / 2 else x - 5, bottom + 18, f"{review.as_of}", 200, style="b", end=x >= _WIDTH / 2)
    return canvas.svg(bottom + 26, "Time line of Kubernetes versions on EKS", "versions-table", "pic line")


class _Scale:
    def __init__(self, start: date, end: date) -> None:
        self.start, self.end = start, end
        self._days = max(1, (end - start).days)

    def x(self, day: date) -> float:
        return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * (day - self.start).days / self._days, 1)


def _years(canvas: Canvas, scale: _Scale, bottom: float) -> None:
    for year in range(scale.start.year, scale.end.year + 2):
        day = date(year, 1, 1)
        if scale.start <= day <= scale.end:
            x = scale.x(day)
            canvas.line(f"M{x:g} {_TOP - 10}V{bottom}", "year")
            canvas.text(x + 4, _TOP - 14, str(year), 60, size=11, style="m")


def _version(canvas: Canvas, review: Review, scale: _Scale, version: VersionSupport, y: float) -> None:
    clusters = [cluster.name for cluster in review.clusters if cluster.version == version.version]
    if clusters:
        canvas.box(f"row {version.version}", "", (0, y, _WIDTH, _ROW - 4), "mark", 4)
    canvas.text(10, y + 19, version.version, _LEFT - 14, size=13, style="b" if clusters else "")
    if version.released and version.standard_until:
        start, middle = scale.x(version.released), scale.x(version.standard_until)
        canvas.box(f"standard {version.version}", "", (start, y + 7, max(1, middle - start), 16), "s-standard", 2)
        canvas.text(start + 6, y + 19, "standard", middle - start - 8, size=11, style="in-standard")
        if version.extended_until:
            end = scale.x(version.extended_until)
            canvas.box(f"extended {version.version}", "", (middle, y + 7, max(1, end - middle), 16), "s-extended", 2)
            canvas.text(middle + 6, y + 19, "extended", end - middle - 8, size=11, style="in-extended")
    else:
        canvas.text(_LEFT, y + 19, "dates not known", 300, size=11.5)
    if clusters:
        words = clusters[0] if len(clusters) == 1 else f"{len(clusters)} clusters: {', '.join(clusters)}"
        canvas.text(_WIDTH - _RIGHT + 22, y + 19, words, _RIGHT - 32, style="b")
        if version.released:
            canvas.parts.append(f'<circle class="dot" cx="{_WIDTH - _RIGHT + 12}" cy="{y + 15:g}" r="4"/>')


def _used(review: Review, version: VersionSupport) -> bool:
    return any(cluster.version == version.version for cluster in review.clusters)
