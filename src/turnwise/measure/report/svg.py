"""Pictures for a page with two colour schemes: matplotlib draws with stand-in colours, CSS has the real ones.

Every colour is a CSS variable of style.html, every text has the page's font, every id carries the picture's name, and
nothing in the output depends on the clock or on what was drawn before.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

NAMES = ("ink", "muted", "grid", "card", "before", "after", "train", *(f"part{i}" for i in range(1, 8)))
STAND_INS = {name: f"#f0e1{i:02x}" for i, name in enumerate(NAMES)}
WIDTH = 4.9
"""Inches of a panel, chosen so that its texts are as large as the page's when it is as wide as a telephone."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 11,
    "axes.edgecolor": STAND_INS["grid"],
    "axes.labelcolor": STAND_INS["muted"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelsize": 10.5,
    "grid.color": STAND_INS["grid"],
    "grid.linewidth": 0.8,
    "xtick.color": STAND_INS["muted"],
    "ytick.color": STAND_INS["muted"],
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "text.color": STAND_INS["ink"],
    "hatch.linewidth": 1.1,
    "lines.linewidth": 2,
    "lines.solid_capstyle": "round",
    "figure.constrained_layout.use": True,
}


def colour(name: str) -> str:
    """The stand-in of a CSS variable."""
    return STAND_INS[name]


def draw(name: str, paint: Callable[..., None], height: float = 2.7, panels: int = 1, **layout: Any) -> Markup:
    """Draw a picture and return it as inline SVG.

    Args:
        name: unique on the page; ids begin with it.
        paint: gets the axes (one argument per panel).
        height: inches.
        panels: axes above each other, sharing the horizontal axis unless `layout` says otherwise.
        layout: for `Figure.subplots`.
    """
    with rc_context(STYLE | {"svg.hashsalt": name}):
        figure = Figure(figsize=(WIDTH, height))
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0)
        axes = figure.subplots(panels, 1, squeeze=False, **layout)[:, 0]
        for one in axes:
            one.set_facecolor("none")
        paint(*axes)
        sink = io.StringIO()
        figure.savefig(sink, format="svg", metadata={"Date": None, "Creator": None})
    return Markup(for_page(sink.getvalue(), name))


def for_page(svg: str, name: str) -> str:
    """Stand-ins to variables, fonts to the page's, ids made unique, fixed size dropped."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.S)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", svg)
    svg = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    for variable, stand_in in STAND_INS.items():
        svg = svg.replace(stand_in, f"var(--{variable})")
    return re.sub(r"\n\s*", "\n", svg).replace("<svg", '<svg aria-hidden="true"', 1).strip()


def level(axes: Axes) -> None:
    """Grid lines along one direction only."""
    axes.grid(axis="x", visible=False)
    axes.spines["left"].set_visible(False)
