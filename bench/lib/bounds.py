"""bounds.py — what our figures are beside another server's in the same run, and whether that is within what the project promises."""

from profiles import ALL

FIGURES = {
    "CPU": lambda own: own["cpu_us"],
    "Postgres": lambda own: own["postgres_us"],
    "time for a request": lambda own: 1 / own["rate"] if own["rate"] else 0,
    "p99": lambda own: own["latency_us"] and own["latency_us"]["p99"],
    "p99.9": lambda own: own["latency_us"] and own["latency_us"]["p99_9"],
}
IDLE_BYTES_MAX = 1024


def ratios(merged):
    """Our CPU per request over each other server's."""
    return {name: merged["leat"]["cpu_us"] / own["cpu_us"] for name, own in merged.items() if name != "leat" and own["cpu_us"]}


def judged(profile, merged, peers):
    """Each bound whose other side was measured: what is bounded, beside whom, what it is and may be."""
    found = []
    for key, at_most in profile.bounds.items():
        what, whom = key if isinstance(key, tuple) else ("CPU", key)
        for other in peers if whom == ALL else [whom]:
            theirs = FIGURES[what](merged[other]) if other in merged else None
            if theirs:
                ratio = FIGURES[what](merged["leat"]) / theirs
                found.append({"what": what, "of": other, "is": ratio, "at_most": at_most, "met": ratio <= at_most})
    idle = merged["leat"]["idle_bytes"]
    if idle is not None:
        found.append({"what": "bytes an idle connection", "of": "leat", "is": idle, "at_most": IDLE_BYTES_MAX, "met": idle <= IDLE_BYTES_MAX})
    return found
