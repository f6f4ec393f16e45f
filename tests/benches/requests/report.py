"""The tables."""

import statistics

COLUMNS = ("", "CPU s / 1,000", "of the first", "requests/s", "of the first", "p50 ms", "p99 ms", "of the first",
           "database CPU s / 1,000", "bytes", "stolen")


def table(rows):
    """Each beside the first of its route: processor time is the least of the rounds, everything else the median."""
    for (route, connections), servers in rows.items():
        print(f"\n### {route}, {connections} connections\n")
        print("| " + " | ".join(COLUMNS) + " |\n|---" + "|--:" * (len(COLUMNS) - 1) + "|")
        first = None
        for name, runs in servers.items():
            figures = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            figures["cpu"] = min(run["cpu"] for run in runs)
            first = first or figures
            print("| " + " | ".join((
                name, f"{figures['cpu']:.3f}", ratio(figures, first, "cpu"), shown(figures, "rate", ",.0f"),
                ratio(figures, first, "rate"), shown(figures, "p50", ".2f"), shown(figures, "p99", ".2f"),
                ratio(figures, first, "p99"), shown(figures, "database", ".3f"), shown(figures, "bytes", ",.0f"),
                shown(figures, "stolen", ".0f", " %"))) + " |")
        peaks = [run["peak"] for runs in servers.values() for run in runs if run.get("peak")]
        if peaks:
            print(f"\nAt most {max(peaks):.0f} MiB of memory (PSS).")


def shown(figures, key, form, unit=""):
    return format(figures[key], form) + unit if key in figures else ""


def ratio(figures, first, key):
    return f"{figures[key] / first[key]:.2f}" if figures.get(key) and first.get(key) else ""


def starts(rows):
    print("\n### Start, memory at rest, size\n\n| | exec to first answer, ms | idle, MiB (PSS) | program, MiB |\n|---|--:|--:|--:|")
    for name, (start, rest, size) in rows.items():
        print(f"| {name} | {start:.1f} | {rest:.1f} | {size:.1f} |")
