"""Plots as PNG, with matplotlib's own font so that no system font is needed."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as pyplot  # noqa: E402  (after the backend is chosen)
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter  # noqa: E402

# Told apart by those who do not see red and green, and the same for a server in every plot.
COLOURS = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7"]
REDIS_COLOURS = ["#7f7f7f", "#b5b5b5", "#4d4d4d", "#d0d0d0"]

pyplot.rcParams.update({
    "font.size": 9,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": 110,
})


def draw(plot, path):
    figure = {"bars": _bars, "stacked": _stacked, "timeline": _timeline}[plot["kind"]](plot)
    figure.suptitle(plot["title"], fontsize=11)
    figure.savefig(path)
    pyplot.close(figure)


def _colours(names):
    redis, other = iter(REDIS_COLOURS * 9), iter(COLOURS * 9)
    return {name: next(redis if name.startswith("redis") else other) for name in names}


def _plain(value, _=None):
    """1.2M, 45k, 300, 0.5: short enough for an axis or above a bar."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _value_axis(axis, panel):
    """Log scale with enough of labels where only one decade is seen, or linear from nothing."""
    axis.set_ylabel(panel["label"])
    if panel.get("log"):
        axis.set_yscale("log")
        low, high = axis.get_ylim()
        few = high / low < 100
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        axis.yaxis.set_minor_formatter(NullFormatter())
    else:
        axis.set_ylim(bottom=0)
    axis.yaxis.set_major_formatter(FuncFormatter(_plain))


def _bars(plot):
    panels, groups = plot["panels"], plot["groups"]
    names = list(panels[0]["series"])
    colours = _colours(names)
    # Wide enough for the figures above the bars and for the names below them.
    of_bars = 0.31 * len(groups) * len(names)
    of_names = 0.09 * len(groups) * max(len(group) for group in groups)
    width = max(3.8 if len(panels) > 1 else 6, 1.6 + max(of_bars, of_names))
    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(width * len(panels), 3.9), layout="constrained", squeeze=False
    )
    bar = 0.8 / len(names)
    for panel, axis in zip(panels, axes[0]):
        for at, name in enumerate(names):
            values = panel["series"][name]
            places = [index + (at - (len(names) - 1) / 2) * bar for index in range(len(groups))]
            shown = [(place, value) for place, value in zip(places, values) if value is not None]
            if not shown:
                continue
            drawn = axis.bar(*zip(*shown), bar * 0.92, color=colours[name], label=name)
            axis.bar_label(drawn, [_plain(value) for _, value in shown], fontsize=6.5, padding=1)
        axis.set_xticks(range(len(groups)), groups)
        axis.grid(axis="x", visible=False)
        axis.margins(y=0.12)
        _value_axis(axis, panel)
    handles = {}
    for axis in axes[0]:
        handles |= dict(zip(axis.get_legend_handles_labels()[1],
                            axis.get_legend_handles_labels()[0]))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center",
                  ncols=min(len(names), 4 if len(panels) > 1 else 2), frameon=False)
    return figure


def _stacked(plot):
    """A bar for each group, made of the series; each panel has groups and a scale of its own."""
    panels = plot["panels"]
    names = list(dict.fromkeys(name for panel in panels for name in panel["series"]))
    colours = dict(zip(names, pyplot.get_cmap("tab20").colors * 9))
    heights = [len(panel["groups"]) for panel in panels]
    figure, axes = pyplot.subplots(
        len(panels), 1, figsize=(11, 0.6 * len(panels) + 0.45 * sum(heights)),
        layout="constrained", squeeze=False, height_ratios=heights,
    )
    handles = {}
    for panel, (axis,) in zip(panels, axes):
        ends = [0] * len(panel["groups"])
        for name, values in panel["series"].items():
            drawn = axis.barh(panel["groups"], values, left=ends, color=colours[name])
            handles.setdefault(name, drawn)
            # As far as a figure fits into its part of the bar.
            least = 0.03 * max(map(sum, zip(*panel["series"].values())))
            axis.bar_label(drawn, [_plain(value) if value >= least else "" for value in values],
                           label_type="center", fontsize=6.5)
            ends = [end + value for end, value in zip(ends, values)]
        axis.invert_yaxis()
        axis.grid(axis="y", visible=False)
        axis.set_title(panel["label"], fontsize=9, loc="left")
    figure.legend(handles.values(), handles.keys(), loc="outside right center", frameon=False)
    return figure


def _timeline(plot):
    panels = plot["panels"]
    heights = [panel.get("height", 1) for panel in panels]
    figure, axes = pyplot.subplots(
        len(panels), 1, figsize=(11, 0.8 + 1.5 * sum(heights)), sharex=True,
        layout="constrained", squeeze=False, height_ratios=heights,
    )
    for panel, (axis,) in zip(panels, axes):
        names = list(panel["series"])
        colours = _colours(names)
        for name in names:
            times, values = panel["series"][name]
            # A missing sample is a gap in the line.
            values = [float("nan") if value is None else value for value in values]
            if panel.get("steps"):
                axis.fill_between(times, values, step="pre", color=colours[name], alpha=0.25)
                axis.step(times, values, where="pre", color=colours[name], label=name, lw=1)
            else:
                axis.plot(times, values, color=colours[name], label=name, lw=1)
        if panel.get("steps"):
            # A counter that stays at nothing is a line at the bottom, not noise.
            axis.set_ylim(top=max(1, axis.get_ylim()[1]))
            axis.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        _value_axis(axis, panel)
        axis.margins(x=0.01)
        if len(names) > 1:
            axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
    axes[-1][0].set_xlabel(plot["x_label"])
    return figure
