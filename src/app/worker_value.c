// worker_value.c — what a .per_worker provider has made on this core, with the memory and the clean-ups of its making.
#include "worker_value.h"

#include <string.h>

#include "request.h"

static bool is_pointer(const leat_provider *provider) {
    size_t bytes = strlen(provider->type_name);
    return bytes && provider->type_name[bytes - 1] == '*' && provider->bytes == sizeof(void *);
}

void worker_value_make(req *r) {
    const struct work *work = r->work;
    const leat_provider *provider = work->provider;
    struct worker_value *made = new (r, struct worker_value);
    *made = (struct worker_value){.provider = provider, .holder_count = 1, .value = alloc(r, provider->bytes ? provider->bytes : 1)};
    provider_call(r, provider, r->frame, made->value);
    if (is_pointer(provider) && !*(void **)made->value)
        http_fail(r, 500, "it returned NULL");
    made->cleanups = r->cleanups; // they are of the value from now on, and so is the memory
    r->cleanups = NULL;
    made->arena = r->arena;
    arena_init(&r->arena, made->arena.pool, made->arena.bytes_max);
    arena_lend(&r->arena, r->first_pieces, sizeof r->first_pieces);
    r->generation->values[work->value_index] = made;
}

// It goes on where all it was made from goes on.
static bool depends_on_others(const struct generation *generation, const struct generation *other, const struct work *maker) {
    const struct endpoint *program = maker->program;
    for (unsigned i = 0; i < program->step_count; i++) {
        const struct step *step = &program->steps[i];
        if (step->kind != STEP_WORKER)
            continue;
        const struct worker_value *mine = generation->values[step->index];
        bool is_there = false;
        for (unsigned k = 0; k < other->snapshot->maker_count; k++)
            is_there |= other->values[k] == mine;
        if (!is_there)
            return true;
    }
    return false;
}

struct worker_value *worker_value_go_on(const struct generation *generation, const struct work *maker) {
    list_each (node, &generation->app->generations) {
        struct generation *other = container_of(node, struct generation, node);
        for (unsigned i = 0; other != generation && other->values && i < other->snapshot->maker_count; i++) {
            struct worker_value *value = other->values[i];
            if (!value || value->provider != maker->provider || depends_on_others(generation, other, maker))
                continue;
            value->holder_count++;
            return value;
        }
    }
    return NULL;
}

void worker_value_let_go(struct worker_value *value) {
    if (!value || --value->holder_count)
        return;
    while (value->cleanups) {
        struct cleanup *cleanup = value->cleanups;
        value->cleanups = cleanup->next;
        cleanup->fn(cleanup->arg, OK);
    }
    struct arena arena = value->arena; // which `value` lies in
    arena_reset(&arena);
}
