// metrics.c — the server's figures, for Prometheus and whoever reads its text format.
#include <leat/leat.h>

ERROR(no_metrics, 404, "Not Found");

GET("/metrics", metrics, Response, (), .hidden = true) {
    str text = metrics_text(r);
    if (!text.ptr) // METRICS=off
        fail(r, no_metrics);
    return respond(r, "text/plain; version=0.0.4; charset=utf-8", text);
}
