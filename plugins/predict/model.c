// model.c — what a water wheel gives, learned from measurements: support vector regression by libsvm.
//
// The measurements are made here, by a formula and noise from a generator of our own, so that the model is the same wherever it is trained,
// and nobody has to trust a file. What is learned is the efficiency: the rest is physics, and a model need not learn it anew.
#include "model.h"

#include <math.h>
#include <stdlib.h>

#include <libsvm/svm.h>

enum { FEATURES = 3 };
#define WATER_KN_M3 9.81 // weight of a cubic metre

struct model {
    struct svm_model *svm;
    struct svm_node nodes[MODEL_SAMPLES][FEATURES + 1]; // support vectors stay here
    struct svm_node *rows[MODEL_SAMPLES];
    f64 efficiency[MODEL_SAMPLES];
};

// ---- measurements

// xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled", 2016.
static f64 random_between(uint64_t *state, f64 low, f64 high) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return low + (high - low) * (f64)((*state * 0x2545F4914F6CDD1Du) >> 11) / 9007199254740992.0;
}

// An overshot wheel does best where its diameter is nine tenths of the head, and spills where there is much water.
static f64 efficiency_of(const struct site *site) {
    f64 misfit = site->diameter_m / site->head_m - 0.9;
    return 0.85 * exp(-misfit * misfit) / (1 + 0.1 * site->flow_m3_s * site->flow_m3_s);
}

static f64 hydraulic_kw(const struct site *site) {
    return WATER_KN_M3 * site->head_m * site->flow_m3_s;
}

f64 measured_power_kw(const struct site *site) {
    return hydraulic_kw(site) * efficiency_of(site);
}

// Each between 0 and 1, as the kernel wants them.
static void put_features(struct svm_node *nodes, const struct site *site) {
    nodes[0] = (struct svm_node){1, (site->head_m - 1) / 9};
    nodes[1] = (struct svm_node){2, site->flow_m3_s / 2};
    nodes[2] = (struct svm_node){3, site->diameter_m / site->head_m / 2};
    nodes[3] = (struct svm_node){-1, 0};
}

static void measure(model *m) {
    uint64_t state = 0x6c656174; // "leat"
    for (int i = 0; i < MODEL_SAMPLES; i++) {
        struct site site = {.head_m = random_between(&state, 1, 10), .flow_m3_s = random_between(&state, 0.01, 2)};
        site.diameter_m = site.head_m * random_between(&state, 0.3, 1.7);
        put_features(m->nodes[i], &site);
        m->rows[i] = m->nodes[i];
        m->efficiency[i] = efficiency_of(&site) + random_between(&state, -0.01, 0.01);
    }
}

// ---- the model

static void say_nothing(const char *text) {
    (void)text;
}

model *model_train(void) {
    model *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    measure(m);
    const struct svm_problem problem = {MODEL_SAMPLES, m->efficiency, m->rows};
    const struct svm_parameter parameter = {
        .svm_type = EPSILON_SVR, .kernel_type = RBF, .gamma = 1, .C = 10, .p = 0.015, .eps = 0.001, .cache_size = 4, .shrinking = 1};
    svm_set_print_string_function(say_nothing);
    m->svm = svm_train(&problem, &parameter);
    if (m->svm)
        return m;
    free(m);
    return NULL;
}

void model_free(model *m) {
    if (!m)
        return;
    svm_free_and_destroy_model(&m->svm);
    free(m);
}

f64 model_power_kw(const model *m, const struct site *site) {
    struct svm_node nodes[FEATURES + 1];
    put_features(nodes, site);
    return hydraulic_kw(site) * svm_predict(m->svm, nodes);
}
