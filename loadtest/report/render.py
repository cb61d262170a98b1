"""The report out of the results: report.md with its tables, and the plots beside it."""

import json

import figures
from bench import say

INTRODUCTION = """# Benchmarks

Made by `loadtest/report/run.sh`; `loadtest/README.md` says how. Ratios are to the first server of
a table: the median of the alternating rounds' own ratios. CPU is all the time of the server's
process, user and system. Latencies are in microseconds (us) where nothing else is said. A dash
means that there is no such figure.
"""


def render(results, out, plots):
    """Writes report.md, results.json and, if wanted, the PNGs."""
    drawn = {}
    if plots:
        drawn = _draw(results, out)
    parts = [INTRODUCTION, _machine(results["machine"]), _contents(results)]
    parts += [_section(name, section, drawn) for name, section in results["sections"].items()]
    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (out / "report.md").write_text("\n".join(parts))


def _draw(results, out):
    try:
        import plots
    except ImportError as error:
        say(f"no plots: {error}")
        return {}
    drawn = {}
    for name, section in results["sections"].items():
        for plot in section["plots"]:
            path = f"{name}-{plot['name']}.png" if plot["name"] else f"{name}.png"
            plots.draw(plot, out / path)
            drawn.setdefault(name, []).append((plot["title"], path))
    return drawn


def _machine(machine):
    rows = [[name, value] for name, value in machine.items()]
    return "## Machine\n\n" + figures.markdown_table(["", ""], rows) + "\n"


def _contents(results):
    lines = [f"- [{section['title']}](#{name})" for name, section in results["sections"].items()]
    return "## Sections\n\n" + "\n".join(lines) + "\n"


def _section(name, section, drawn):
    lines = [f'<a id="{name}"></a>\n\n## {section["title"]}\n', section["about"] + "\n"]
    for table in section["tables"]:
        if table.get("title"):
            lines.append(f"**{table['title']}**\n")
        lines.append(figures.markdown_table(table["columns"], table["rows"]) + "\n")
    lines += [f"![{title}]({path})\n" for title, path in drawn.get(name, [])]
    if section["notes"]:
        lines.append("Notes:\n\n" + "\n".join(f"- {note}" for note in section["notes"]) + "\n")
    settings = section["settings"]
    shown = [f"{key}: {value}" for key, value in settings.items() if key != "servers"]
    shown += [f"{server}: {command}" for server, command in settings["servers"].items()]
    lines.append("<details><summary>Settings</summary>\n\n```\n" + "\n".join(shown))
    lines.append("```\n\n</details>\n")
    return "\n".join(lines)
