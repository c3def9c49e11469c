// predict.c — a model behind a route: made once on each core, its features validated, one site or many.
#include <leat/leat.h>

#include "model.h"

// clang-format off
SCHEMA(Features,
    (f64, head_m,     .ge = 1,    .le = 10, .description = "How far the water falls, m"),
    (f64, flow_m3_s,  .ge = 0.01, .le = 2,  .description = "How much of it, m³/s"),
    (f64, diameter_m, .gt = 0,    .le = 17, .description = "Diameter of the wheel, m"));

SCHEMA(Prediction, (f64, power_kw, .description = "Power at the shaft, kW"));
// clang-format on

// The model knows these wheels only; beyond them it would guess.
VALIDATE(Features, in) {
    f64 share = in->diameter_m / in->head_m;
    return share < 0.3 || share > 1.7 ? "the diameter is between 0.3 and 1.7 times the head" : NULL;
}

static void forget_model(void *arg, enum outcome outcome LEAT_UNUSED) {
    model_free(arg);
}

PROVIDE(get_model, model *, (), .per_worker = true) {
    model *m = model_train();
    if (m)
        on_done(r, forget_model, m);
    return m;
}

static Prediction predict_one(const model *m, const Features *in) {
    const struct site site = {in->head_m, in->flow_m3_s, in->diameter_m};
    return (Prediction){.power_kw = model_power_kw(m, &site)};
}

POST("/predict", predict, Prediction, (body(Features, in), depends(get_model, m)), .summary = "What a water wheel gives") {
    Prediction *out = new (r, Prediction);
    *out = predict_one(m, in);
    return out;
}

// One takes two microseconds; a thousand would keep everybody else of the core waiting.
POST("/predict/batch", predict_batch, Prediction_list,
     (body(Features_list, sites, .min_items = 1, .max_items = 1000), depends(get_model, m)), .summary = "What many water wheels give",
     .blocking = true) {
    Prediction_list *out = new (r, Prediction_list);
    *out = (Prediction_list){.items = alloc(r, sites->n * sizeof *out->items), .n = sites->n};
    for (size_t i = 0; i < sites->n; i++)
        out->items[i] = predict_one(m, &sites->items[i]);
    return out;
}

PLUGIN(predict, .version = "1.0.0", .prefix = "/v1", .tag = "predict", .description = "A model, asked over HTTP");
