"""The chart in SVG: for each task, how long each program takes relative to git or ripgrep, on a logarithmic axis."""

import math
from xml.sax.saxutils import escape

from page import ratio
from programs import TASKS
from summary import is_busy, ratios

# In pixels: the width of the chart and the ends of its axis, and the heights of a row, and of a panel above and below its rows.
WIDTH, LEFT, RIGHT = 860, 210, 790
ROW, HEAD, FOOT = 24, 46, 56

# Colors follow the viewer's preference for light or dark. The chart has a background of its own, so it is readable on any page.
_STYLE = """\
svg { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
.ground { fill: #ffffff; } text { fill: #1f2328; } .faint { fill: #59636e; } .title { font-size: 15px; font-weight: 600; }
.grid { stroke: #d1d9e0; } .one { stroke: #59636e; stroke-dasharray: 4 3; } .range { stroke: #8c959f; stroke-width: 2; }
.mean { fill: #59636e; } .each { fill: #8c959f; } .friskey.mean { fill: #0a69da; } .friskey.each { fill: #54aeff; }
.friskey.range { stroke: #54aeff; } text.friskey { font-weight: 600; fill: #0a58ca; }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117; } text { fill: #e6edf3; } .faint { fill: #9198a1; } .grid { stroke: #30363d; } .one { stroke: #9198a1; }
.range { stroke: #656c76; } .mean { fill: #b7bdc8; } .each { fill: #848d97; } .friskey.mean { fill: #58a6ff; }
.friskey.each { fill: #388bfd; } .friskey.range { stroke: #388bfd; } text.friskey { fill: #79c0ff; }
}"""


def render(results):
    """The whole chart, as text."""
    # Users wait for wall time, but on a busy machine it depends on other programs.
    part, time = ("cpu", "CPU time") if is_busy(results) else ("wall", "wall time")
    panels = [(task, ratios(results, task, part)) for task in TASKS]
    panels = [(task, rows) for task, rows in panels if rows]
    values = [value for _, rows in panels for row, _ in rows.values() for value in row]
    low = math.floor(math.log10(min(values, default=1)))
    high = max(math.ceil(math.log10(max(values, default=1))), low + 1)
    parts, top = [], 34
    for task, rows in panels:
        parts.append(_panel(task, rows, time, top, low, high))
        top += HEAD + ROW * len(rows) + FOOT
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" role="img">',
        "<title>Time of friskey and other scanners relative to git and ripgrep</title>",
        f"<style>\n{_STYLE}\n</style>",
        f'<rect class="ground" width="{WIDTH}" height="{top}" rx="6"/>',
        _text(20, 26, "Further left is faster. Small dots: each repository. Large dots: their geometric mean.", "faint"),
        *parts,
        "</svg>\n",
    ])


def _panel(task, rows, time, top, low, high):
    """The part of the chart about one task: a row for each program, and the axis below them."""
    heading, _, reference, _ = TASKS[task]
    end = top + HEAD + ROW * len(rows)

    def x(value):
        return LEFT + (RIGHT - LEFT) * (math.log10(value) - low) / (high - low)

    parts = [_text(20, top + 28, heading, "title")]
    for exponent in range(low, high + 1):
        value = 10.0**exponent
        css_class = "one" if exponent == 0 else "grid"
        parts.append(f'<line class="{css_class}" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{top + HEAD - 6}" y2="{end}"/>')
        parts.append(_text(x(value), end + 17, f"{value:g}×", "faint", "middle"))
    label = f"{time} relative to {reference} (logarithmic)"
    parts.append(_text((LEFT + RIGHT) / 2, end + 36, label, "faint", "middle"))
    for index, (program, (values, mean)) in enumerate(rows.items()):
        parts += _row(program, [x(value) for value in values], x(mean), mean, top + HEAD + ROW * index + ROW / 2)
    return "\n".join(parts)


def _row(label, xs, mean_x, mean, y):
    """One program: a dot at each of `xs`, and a large one at `mean_x`."""
    css_class = "friskey " if label.startswith("friskey") else ""
    parts = [_text(LEFT - 14, y + 4.5, label, css_class.strip(), "end")]
    if len(xs) > 1:
        parts.append(f'<line class="{css_class}range" x1="{min(xs):.1f}" x2="{max(xs):.1f}" y1="{y}" y2="{y}"/>')
        parts += [f'<circle class="{css_class}each" cx="{x:.1f}" cy="{y}" r="2.8"/>' for x in xs]
    parts.append(f'<circle class="{css_class}mean" cx="{mean_x:.1f}" cy="{y}" r="5.5"/>')
    parts.append(_text(WIDTH - 12, y + 4.5, f"{ratio(mean)}×", css_class.strip(), "end"))
    return parts


def _text(x, y, text, css_class, anchor="start"):
    return f'<text class="{css_class}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
