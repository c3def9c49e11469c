// transform.c — a list as a body: points in, their means out.
#include <leat/leat.h>

// clang-format off
#define COORDINATE .ge = -1e15, .le = 1e15 // ten thousand of them are summed without a loss that anybody sees

SCHEMA(DataPoint,
    (f64, x, COORDINATE, .description = "Abscissa"),
    (f64, y, COORDINATE, .description = "Ordinate"));

SCHEMA(Transformed,
    (i64, count,  .description = "How many points there were"),
    (f64, mean_x, .description = "Mean of their x"),
    (f64, mean_y, .description = "Mean of their y"));
// clang-format on

POST("/transform", transform, Transformed, (body(DataPoint_list, points, .min_items = 1, .max_items = 10000)),
     .summary = "Means of a list of points") {
    Transformed *out = new (r, Transformed);
    out->count = (i64)points->n;
    for (size_t i = 0; i < points->n; i++) {
        out->mean_x += points->items[i].x;
        out->mean_y += points->items[i].y;
    }
    out->mean_x /= (f64)points->n;
    out->mean_y /= (f64)points->n;
    return out;
}

PLUGIN(transform, .version = "1.0.0", .prefix = "/v1", .tag = "transform", .description = "Figures out of lists of points");
