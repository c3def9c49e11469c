"""report.py — what was measured, as a table for a terminal, and as a page with plots that needs nothing beside it."""

import html
import math

COLUMNS = ["profile", "server", "requests/s", "p50 ms", "p99 ms", "p99.9 ms", "CPU µs", "user", "kernel", "Postgres", "syscalls", "enters",
           "allocs", "MB", "core 0", "core 1", "ratio", "at most", ""]


def milliseconds(latency, key):
    if not latency:
        return ""
    return f"{latency[key] / 1000:.3f}" if latency[key] < 10_000 else f"{latency[key] / 1000:.0f}"


def figure(value):
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def counted(value):
    return "" if value is None else f"{value:.3f}"


def cpu_bound(result, name):
    return next((bound for bound in result["bounds"] if bound["what"] == "CPU" and bound["of"] == name), None)


def said_of(bound):
    verdict = "met" if bound["met"] else "NOT MET"
    if bound["what"] == "CPU":
        return verdict
    if bound["what"].startswith("bytes"):
        return f"{bound['is']:,.0f} {bound['what']}: {verdict}"
    return f"{bound['what']} {bound['is']:.2f} x (at most {bound['at_most']:g}): {verdict}"


def remark(result, name):
    """What a reader of this line must know."""
    own, remarks = result["servers"][name], []
    if own.get("wrk_rate"):
        remarks.append(f"wrk {own['wrk_rate']:,.0f}/s")
    if own["errors"]:
        remarks.append(f"{own['errors']} WRONG ANSWERS")
    remarks += [said_of(bound) for bound in result["bounds"] if bound["of"] == name]
    if own["idle_bytes"] is not None and name != "leat":
        remarks.append(f"{own['idle_bytes']:,.0f} bytes an idle connection")
    if own["load_core_busy"] > 0.97 and own["server_core_busy"] < 0.9 and not result["is_open_loop"]:
        remarks.append("the load is the limit")
    return ", ".join(remarks)


def lines_of(result):
    for index, (name, own) in enumerate(result["servers"].items()):
        bound, ratio = cpu_bound(result, name), result["ratios"].get(name)
        yield [result["profile"] if index == 0 else "", name, f"{own['rate']:,.0f}",
               *[milliseconds(own["latency_us"], key) for key in ("p50", "p99", "p99_9")],
               figure(own["cpu_us"]), figure(own["user_us"]), figure(own["kernel_us"]), figure(own["postgres_us"]),
               counted(own["syscalls"]), counted(own["enters"]), counted(own["allocations"]), f"{own['memory_bytes'] / 1e6:.1f}",
               f"{own['server_core_busy']:.0%}", f"{own['load_core_busy']:.0%}", "" if ratio is None else f"{ratio:.3f}",
               f"{bound['at_most']:.3f}" if bound else "", remark(result, name)]


GROWTH_COLUMNS = ["growth and start", "is", "at most", "", ""]


def growth_lines(grown):
    for check in grown:
        yield [check["name"], f"{check['value']:.3g} {check['unit']}", f"{check['at_most']:.3g} {check['unit']}",
               "met" if check["met"] else "NOT MET", check["detail"]]


def aligned(lines, left_columns):
    """Columns of text, a line below the first."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = ["  ".join(cell.ljust(width) if column in left_columns else cell.rjust(width)
                      for column, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines]
    text.insert(1, "-" * max(map(len, text)))
    return "\n".join(text)


def table(results):
    """`ratio` is our CPU per request divided by that server's."""
    return aligned([COLUMNS] + [line for result in results for line in lines_of(result)], (0, 1, len(COLUMNS) - 1))


def text(about, results, grown):
    parts = [summary(about)]
    parts += [table(results)] if results else []
    parts += [aligned([GROWTH_COLUMNS, *growth_lines(grown)], (0, 3, 4))] if grown else []
    return "\n\n".join(parts)


def summary(about):
    return (f"{about['cpu']}, {about['cores']} cores, Linux {about['kernel']}, {about['date']}, load average {about['load_average']:.1f} "
            f"at the start; server on core 0, load and Postgres on core 1; interleaved A B B A, so only ratios within one profile count")


# ---- plots: SVG, drawn here

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #667; --paper: #fff; --line: #d8dce2; --user: #2f6fb2; --kernel: #9db8d6;
        --postgres: #d9a441; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --dim: #99a; --paper: #16181c; --line: #343840; --kernel: #4c6480; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1560px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem; } p, figcaption { color: var(--dim); }
figure { margin: 0; flex: 1 1 480px; min-width: 0; } .pair { display: flex; flex-wrap: wrap; gap: 1.5rem; } svg { width: 100%; height: auto; }
text { fill: var(--ink); font: 12px system-ui, sans-serif; } .dim { fill: var(--dim); } .grid { stroke: var(--line); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 12px; } .wide { overflow-x: auto; }
td, th { padding: .15rem .45rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
td:nth-child(-n+2), th:nth-child(-n+2), td:last-child { text-align: left; } .bad { color: var(--bad); font-weight: 600; }
.ours { font-weight: 600; } tr.first td { border-top: 1px solid var(--dim); } .pair { max-width: 1200px; } .history { max-width: 1100px; }
"""
SERVERS = ["leat", "nginx", "h2o", "haproxy", "floor", "fastify", "fastapi", "node"]  # each its colour, wherever it is drawn
LINE_COLOURS = ["#2f6fb2", "#c2571a", "#3c8d5a", "#8a5bb5", "#b3261e", "#8a7a2a", "#4aa3a3", "#777777"]


def colour_of(name):
    return LINE_COLOURS[SERVERS.index(name)] if name in SERVERS else LINE_COLOURS[-1 - sum(map(ord, name)) % 2]


def bars(result):
    """CPU per request: user, kernel, and Postgres', side by side in one bar a server."""
    servers = result["servers"]
    longest = max(own["cpu_us"] + own["postgres_us"] for own in servers.values()) or 1
    left, right, step = 100, 100, 26
    room = 500 - left - right
    parts = []
    for index, (name, own) in enumerate(servers.items()):
        y, x = index * step + 4, left
        ours = ' class="ours"' if name == "leat" else ""
        parts.append(f'<text{ours} x="{left - 8}" y="{y + 14}" text-anchor="end">{html.escape(name)}</text>')
        for kind in ("user", "kernel", "postgres"):
            width = room * own[f"{kind}_us"] / longest
            parts.append(f'<rect x="{x:.1f}" y="{y}" width="{max(width, 0):.1f}" height="18" fill="var(--{kind})"/>')
            x += width
        parts.append(f'<text x="{x + 6:.1f}" y="{y + 14}">{figure(own["cpu_us"])} µs</text>')
    return (f'<figure><svg viewBox="0 0 500 {len(servers) * step + 8}" role="img" aria-label="CPU per request">{"".join(parts)}</svg>'
            "<figcaption>CPU per request: user (dark), kernel (light), Postgres (yellow)</figcaption></figure>")


def polyline(points, colour):
    return f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'


def latency(result):
    """Percentiles over a scale of nines; time in powers of ten."""
    servers = {name: own for name, own in result["servers"].items() if own["percentiles"]}
    if not servers:
        return ""
    times = [time for own in servers.values() for share, time in own["percentiles"] if time > 0]
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
    left, top, width, height = 60, 8, 410, 180
    nines = 4

    def place(share, time):
        nine = min(nines, -math.log10(max(1 - share / 100, 10 ** -nines)))
        return left + width * nine / nines, top + height * (1 - (math.log10(max(time, 10 ** low)) - low) / max(1, high - low))

    parts = []
    for power in range(low, high + 1):
        y = place(0, 10 ** power)[1]
        unit = f"{10 ** power:g} µs" if power < 3 else f"{10 ** (power - 3):g} ms"
        parts.append(f'<line class="grid" x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}"/>'
                     f'<text class="dim" x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{unit}</text>')
    for label, share in (("p0", 0), ("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9), ("p99.99", 99.99)):
        parts.append(f'<text class="dim" x="{place(share, 1)[0]:.1f}" y="{top + height + 16}" text-anchor="middle">{label}</text>')
    below = top + height + 38
    for index, (name, own) in enumerate(servers.items()):
        parts.append(polyline([place(share, time) for share, time in own["percentiles"] if share < 100], colour_of(name)))
        parts.append(f'<text x="{left + 105 * (index % 4)}" y="{below + 17 * (index // 4)}" style="fill: {colour_of(name)}">'
                     f"&#9632; {html.escape(name)}</text>")
    return (f'<figure><svg viewBox="0 0 500 {below + 17 * ((len(servers) - 1) // 4) + 8}" role="img" aria-label="latency">{"".join(parts)}</svg>'
            "<figcaption>Latency by percentile</figcaption></figure>")


def history_plot(history):
    """Our CPU per request as a multiple of the floor's, run after run: the machine's moods are in both."""
    series = {}
    for position, (_, results) in enumerate(history):
        for result in results:
            if "floor" in result["ratios"]:
                series.setdefault(result["profile"], []).append((position, result["ratios"]["floor"]))
    if len(history) < 2 or not series:
        return ""
    most = max(ratio for points in series.values() for _, ratio in points) * 1.1
    left, top, width, height = 50, 8, 600, 180
    parts = [f'<line class="grid" x1="{left}" x2="{left + width}" y1="{top + height * (1 - 1 / most):.1f}" '
             f'y2="{top + height * (1 - 1 / most):.1f}"/><text class="dim" x="{left - 6}" y="{top + height * (1 - 1 / most) + 4:.1f}" '
             'text-anchor="end">floor</text>']
    for index, (name, points) in enumerate(sorted(series.items())):
        colour = LINE_COLOURS[index % len(LINE_COLOURS)]
        placed = [(left + width * position / (len(history) - 1), top + height * (1 - ratio / most)) for position, ratio in points]
        parts.append(polyline(placed, colour) + "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in placed))
        parts.append(f'<text x="{left + width + 10}" y="{top + 14 + 16 * index}" style="fill: {colour}">{html.escape(name)}</text>')
    first, last = history[0][0], history[-1][0]
    return (f'<h2>History</h2><figure class="history"><svg viewBox="0 0 820 {top + height + 12}">{"".join(parts)}</svg>'
            f"<figcaption>CPU per request as a multiple of the floor's, {html.escape(first)} to {html.escape(last)}</figcaption></figure>")


def html_rows(lines, verdict):
    """`verdict`: the columns that say whether a bound is met."""
    for line in lines:
        cells = []
        for index, cell in enumerate(line):
            kind = " class=bad" if index in verdict and ("NOT MET" in cell or "WRONG" in cell) else ""
            cells.append(f"<td{kind}>{html.escape(cell)}</td>")
        kinds = " ".join(["first"] * bool(line[0]) + ["ours"] * (line[1] == "leat"))
        yield f'<tr class="{kinds}">{"".join(cells)}</tr>'


def html_table(columns, lines, verdict):
    heads = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(html_rows(lines, verdict))}</tbody></table></div>'


def page(about, results, grown, history):
    tables = html_table(COLUMNS, [line for result in results for line in lines_of(result)], {len(COLUMNS) - 1}) if results else ""
    tables += "<h2>Growth and start</h2>" + html_table(GROWTH_COLUMNS, growth_lines(grown), {3}) if grown else ""
    plots = "".join(f'<h2>{html.escape(result["profile"])}</h2><div class="pair">{bars(result)}{latency(result)}</div>' for result in results)
    return (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>leat: bench, {html.escape(about["date"])}</title>'
            f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body><h1>What a request costs</h1>'
            f"<p>{html.escape(summary(about))}.</p>{tables}{history_plot(history)}{plots}</body></html>\n")
