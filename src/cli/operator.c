// operator.c — what an operator asks of a running server, by way of its control socket: a verb a line.
#include "cli/operator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/control.h"
#include "cli/readings.h"

enum { ANSWER_BYTES_MAX = 64 << 20 };

struct operator{
    struct operator_view view;
    struct control *control;
};

// One line that came, and its answer's memory.
struct asked {
    struct operator* operator;
    struct arena *arena;
    ControlRequest request;
    const char *plugin; // NUL-terminated; "" for all
};

static void refuse(ChangeAnswer *answer, str why) {
    answer->error = why.ptr ? why : S("there is too little memory");
}

static str write_change(const struct asked *asked, ChangeAnswer *answer) {
    if (!answer->error.ptr)
        answer->error = S("");
    if (!answer->outcome.ptr)
        answer->outcome = S("");
    if (!answer->messages.ptr)
        answer->messages = S("");
    return words_write(&ChangeAnswer__schema, answer, asked->arena);
}

// ---- plugins

static str address_of(const struct asked *asked) {
    const struct operator_view *view = &asked->operator->view;
    const char *host = view->workspace->config.server.host;
    bool is_ipv6 = strchr(host, ':') != NULL;
    return arena_format(asked->arena, "http://%s%s%s:%u", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", server_port(view->server));
}

static str tell_plugins(struct asked *asked) {
    const struct operator_view *view = &asked->operator->view;
    struct census census;
    unsigned silent_count;
    survey_take(view->survey, &census, &silent_count);
    PluginsAnswer answer = {
        .error = S(""),
        .pid = getpid(),
        .address = address_of(asked),
        .leat = str_of(leat_version()),
        .silent_cores = silent_count,
    };
    standing_rows(view->standing, view->publisher, &census, asked->request.plugin, asked->arena, &answer);
    return words_write(&PluginsAnswer__schema, &answer, asked->arena);
}

// ---- readings

static str tell_readings(struct asked *asked) {
    const struct operator_view *view = &asked->operator->view;
    struct figures *figures = view->workspace->config.app.figures;
    ReadingsAnswer answer = {.error = figures ? S("") : S("this server counts nothing: METRICS is off"), .pid = getpid()};
    answer.address = address_of(asked);
    answer.at_us = clock_monotonic_ns() / 1000;
    if (figures)
        readings_take(figures, asked->arena, &answer);
    return words_write(&ReadingsAnswer__schema, &answer, asked->arena);
}

// ---- changes

static void load(struct asked *asked, const char *anew, ChangeAnswer *answer) {
    int64_t begun_ns = clock_monotonic_ns();
    int status = live_load(asked->operator->view.live, anew, asked->arena, &answer->messages);
    bool is_partly = status == 0 && answer->messages.len;
    answer->outcome = is_partly ? S("partly") : status == 0 ? S("loaded") : status == -EALREADY ? S("unchanged") : S("refused");
    answer->generation = live_generation(asked->operator->view.live);
    answer->ms = (clock_monotonic_ns() - begun_ns) / 1000000;
}

// What was asked for is one plugin: that others are left out is told beside it.
static void judge_one(const struct asked *asked, ChangeAnswer *answer) {
    if (standing_is_refused(asked->operator->view.standing, asked->plugin))
        answer->outcome = S("refused");
    else if (str_eq(answer->outcome, S("partly")))
        answer->outcome = S("loaded");
}

// By the choices as they are now; where that is refused, those of `before` hold again. `before` is finished in either case.
static void load_chosen(struct asked *asked, struct choice_list *before, const char *anew, ChangeAnswer *answer) {
    struct choice_list *choices = &asked->operator->view.standing->choices;
    load(asked, anew, answer);
    judge_one(asked, answer);
    if (!str_eq(answer->outcome, S("refused"))) {
        choice_list_finish(before);
        return;
    }
    choice_list_finish(choices);
    *choices = *before;
}

static bool is_known(const struct asked *asked, ChangeAnswer *answer) {
    if (standing_knows(asked->operator->view.standing, asked->plugin))
        return true;
    refuse(answer, arena_format(asked->arena, "there is no plugin '%s' here, nor a %s.so in the plugin folders; `leat plugins` lists them",
                                asked->plugin, asked->plugin));
    return false;
}

// The plugin that serves under that name, out of a file; else NULL and what is wrong.
static const struct plugin *find_serving(const struct asked *asked, ChangeAnswer *answer) {
    const struct plugin *plugin = standing_plugin(asked->operator->view.standing, asked->plugin);
    if (plugin && plugin->handle)
        return plugin;
    refuse(answer, plugin ? arena_format(asked->arena, "'%s' is a part of the server itself", asked->plugin)
                          : arena_format(asked->arena, "no plugin '%s' serves; `leat plugins` lists those that do", asked->plugin));
    return NULL;
}

// About the file as it lies there: that may be a newer one, which was refused.
static struct choice choice_about(const struct plugin *plugin, enum choice_kind kind, const char *why) {
    struct choice choice = {.kind = kind, .mark = plugin->mark, .since_us = clock_wall_us(), .previous_fd = -1};
    struct stat file;
    if (stat(plugin->path, &file) == 0)
        choice.mark = file_mark(&file);
    snprintf(choice.name, sizeof choice.name, "%s", plugin->entry.name);
    snprintf(choice.why, sizeof choice.why, "%s", why);
    return choice;
}

static str reload(struct asked *asked) {
    ChangeAnswer answer = {0};
    struct choice_list *choices = &asked->operator->view.standing->choices, before;
    if (!*asked->plugin)
        load(asked, NULL, &answer);
    else if (is_known(asked, &answer)) {
        log_line(LOG_INFO, "plugin_reload", "name=%s by=control", asked->plugin);
        choice_list_copy(&before, choices);
        const struct choice *choice = choice_of(choices, asked->plugin);
        bool is_quarantined = choice && choice->kind == CHOICE_QUARANTINED;
        choice_drop(choices, asked->plugin);
        load_chosen(asked, &before, asked->plugin, &answer);
        if (is_quarantined && !str_eq(answer.outcome, S("refused")))
            standing_lift(asked->operator->view.standing, asked->plugin);
    }
    return write_change(asked, &answer);
}

static str choose(struct asked *asked, const struct choice *choice, ChangeAnswer *answer) {
    struct choice_list *choices = &asked->operator->view.standing->choices, before;
    choice_list_copy(&before, choices);
    bool is_previous = choice->kind == CHOICE_PREVIOUS;
    if (choice_put(choices, choice))
        load_chosen(asked, &before, is_previous ? asked->plugin : NULL, answer);
    else {
        choice_list_finish(&before);
        refuse(answer, S("there are too many open files, or decisions of this kind; restart the server"));
    }
    return write_change(asked, answer);
}

static str unload(struct asked *asked) {
    ChangeAnswer answer = {0};
    const struct plugin *plugin = find_serving(asked, &answer);
    if (!plugin)
        return write_change(asked, &answer);
    log_line(LOG_INFO, "plugin_unload", "name=%s by=control", asked->plugin);
    struct choice choice =
        choice_about(plugin, CHOICE_UNLOADED, "unloaded by hand; `leat reload` of it, another file or a restart brings it back");
    return choose(asked, &choice, &answer);
}

static str roll_back(struct asked *asked) {
    ChangeAnswer answer = {0};
    const struct plugin *plugin = find_serving(asked, &answer);
    if (!plugin)
        return write_change(asked, &answer);
    struct choice choice = choice_about(plugin, CHOICE_PREVIOUS,
                                        "rolled back by hand; `leat reload` of it, another file or a restart brings the file's own back");
    choice.previous_fd = standing_previous(asked->operator->view.standing, asked->plugin);
    if (choice.previous_fd < 0) {
        refuse(&answer, arena_format(asked->arena, "'%s' has not been replaced since this server began: there is no version before it",
                                     asked->plugin));
        return write_change(asked, &answer);
    }
    log_line(LOG_INFO, "plugin_rollback", "name=%s by=control", asked->plugin);
    return choose(asked, &choice, &answer);
}

// ---- a line

static const struct {
    const char *name;
    str (*run)(struct asked *asked);
    bool wants_plugin;
} questions[] = {{"plugins", tell_plugins, false},
                 {"readings", tell_readings, false},
                 {"reload", reload, false},
                 {"unload", unload, true},
                 {"rollback", roll_back, true}};

static str answer_of(struct asked *asked, str line) {
    ChangeAnswer wrong = {0};
    if (words_read(&ControlRequest__schema, line, asked->arena, &asked->request) < 0) {
        refuse(&wrong, S("this server does not understand the question; is the command of another version?"));
        return write_change(asked, &wrong);
    }
    asked->plugin =
        arena_format(asked->arena, "%.*s", (int)asked->request.plugin.len, asked->request.plugin.ptr ? asked->request.plugin.ptr : "").ptr;
    for (size_t i = 0; asked->plugin && i < sizeof questions / sizeof *questions; i++) {
        if (!str_eq(asked->request.verb, str_of(questions[i].name)))
            continue;
        if (!questions[i].wants_plugin || *asked->plugin)
            return questions[i].run(asked);
        refuse(&wrong, S("which plugin? Name it"));
        return write_change(asked, &wrong);
    }
    refuse(&wrong, S("this server does not know that verb; is the command of another version?"));
    return write_change(asked, &wrong);
}

static void handle(void *arg, unsigned client, str line) {
    struct arena_pool pool;
    struct arena arena;
    arena_pool_init(&pool, 0);
    arena_init(&arena, &pool, ANSWER_BYTES_MAX);
    struct asked asked = {.operator= arg, .arena = &arena};
    str answer = answer_of(&asked, line);
    control_answer(asked.operator->control, client, answer.ptr ? answer : S("{\"error\":\"there is too little memory\"}"));
    arena_reset(&arena);
    arena_pool_finish(&pool);
}

// ---- begun and ended

int operator_fd(const struct operator* operator) {
    return control_fd(operator->control);
}

int64_t operator_due_ms(const struct operator* operator) {
    return control_due_ms(operator->control);
}

void operator_serve(struct operator* operator) {
    control_serve(operator->control);
}

int operator_open(const struct operator_view *view, struct operator** ret_operator) {
    struct operator* operator= calloc(1, sizeof *operator);
    if (!operator)
        return -ENOMEM;
    operator->view = * view;
    int status = control_open(view->workspace->var, handle, operator, & operator->control);
    if (status < 0) {
        free(operator);
        return status;
    }
    *ret_operator = operator;
    return 0;
}

void operator_close(struct operator* operator) {
    if (!operator)
        return;
    control_close(operator->control);
    free(operator);
}
