// model.h — what a water wheel gives, learned from measurements: a model of libsvm's behind three functions.
#ifndef PREDICT_MODEL_H
#define PREDICT_MODEL_H

#include <leat/values.h>

/** The site of a wheel. */
struct site {
    f64 head_m, flow_m3_s, diameter_m;
};

enum { MODEL_SAMPLES = 200 };

typedef struct model model;

/** Trained on measurements that this program makes, the same each time; some milliseconds. NULL without memory. */
model *model_train(void);
/** NULL is fine. */
void model_free(model *);
/** Kilowatts at the shaft. Safe on several threads at once. */
f64 model_power_kw(const model *, const struct site *);
/** What the measurements were made from, without their noise. */
f64 measured_power_kw(const struct site *);

#endif
