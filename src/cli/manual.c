// manual.c — leat manual, leat completion: what the verbs say of themselves, as man pages and for shells.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/config.h"
#include "cli/project.h"
#include "cli/verb.h"

// ---- man pages (man-pages(7), groff_man(7))

// A line that begins with '.' or '\'' would be a request, and a backslash an escape.
static void put_roff(const char *text) {
    bool begins_line = true;
    for (; *text; text++) {
        if (begins_line && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(*text);
        begins_line = *text == '\n';
    }
}

static void put_setting(const char *variable, const char *description) {
    printf(".TP\n.B %s\n", variable);
    put_roff(description);
    putchar('\n');
}

static void put_flags(const struct flag *flags) {
    puts(".SH OPTIONS");
    for (; flags->name; flags++) {
        printf(".TP\n.B \\-\\-");
        put_roff(flags->name);
        if (flags->value)
            printf(" \\fI%s\\fR", flags->value);
        putchar('\n');
        put_roff(flags->help);
        putchar('\n');
    }
}

// The text is prose, and after "Examples:" commands that stand as they are.
static void put_text(const char *text) {
    const char *examples = strstr(text, "Examples:\n");
    printf(".SH DESCRIPTION\n");
    for (const char *at = text; *at && at != examples; at++) {
        char one[2] = {*at, 0};
        if (*at == '\n' && at[1] == '\n')
            fputs("\n.PP", stdout);
        else
            put_roff(one);
    }
    if (!examples)
        return;
    puts(".SH EXAMPLES\n.nf");
    put_roff(examples + strlen("Examples:\n"));
    puts(".fi");
}

static void put_page(const struct verb *verb) {
    printf(".TH LEAT\\-%s 1 \"\" \"leat %s\"\n.SH NAME\nleat\\-%s \\- ", verb->name, LEAT_VERSION, verb->name);
    put_roff(verb->summary);
    printf("\n.SH SYNOPSIS\n.B leat %s\n", verb->name);
    if (verb->flags->name)
        puts("[\\fIFLAGS\\fR]");
    put_roff(verb->arguments);
    putchar('\n');
    put_text(verb->text);
    if (verb->flags->name)
        put_flags(verb->flags);
    if (verb->has_settings) {
        puts(".SH ENVIRONMENT\nSettings come from the flags, the environment, or the file .env in the working folder.");
        config_describe(put_setting);
    }
    puts(".SH EXIT STATUS\n0: it is done. 1: it failed, and said why on standard error. 2: it was called wrongly. "
         "Others are described above, where there are any.\n.SH SEE ALSO\n.BR leat "
         "(1)");
}

static void put_overview(void) {
    printf(".TH LEAT 1 \"\" \"leat %s\"\n.SH NAME\nleat \\- an HTTP API server on io_uring\n.SH SYNOPSIS\n.B leat\n\\fIVERB\\fR "
           "[\\fIFLAGS\\fR] [\\fIARGUMENTS\\fR]\n.SH DESCRIPTION\n"
           "Serves domains that are shared objects in a folder: typed routes, validation, OpenAPI and its pages, sign\\-in, Postgres.\n"
           ".SH VERBS\n",
           LEAT_VERSION);
    for (const struct verb *const *verb = verbs; *verb; verb++) {
        printf(".TP\n.BR leat\\-%s (1)\n", (*verb)->name);
        put_roff((*verb)->summary);
        putchar('\n');
    }
}

// ---- completion

// What may follow a verb, where that is one of a few words.
static const char *actions_of(const struct verb *verb) {
    static const char *const actions[][2] = {{"db", "new up down redo status history check stamp reset"}, {"completion", "bash zsh"}};
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (!strcmp(verb->name, actions[i][0]))
            return actions[i][1];
    return "";
}

static void put_bash(void) {
    fputs("# completion of leat for bash: source it, or put it into /usr/share/bash-completion/completions\n"
          "_leat() {\n    local word=${COMP_WORDS[COMP_CWORD]} words=\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words='",
          stdout);
    for (const struct verb *const *verb = verbs; *verb; verb++)
        printf("%s ", (*verb)->name);
    fputs("help'\n    else\n        case ${COMP_WORDS[1]} in\n", stdout);
    for (const struct verb *const *verb = verbs; *verb; verb++) {
        printf("            %s) words='", (*verb)->name);
        for (const struct flag *flag = (*verb)->flags; flag->name; flag++)
            printf("--%s ", flag->name);
        printf("--help'; [ \"$COMP_CWORD\" -eq 2 ] && words+=' %s' ;;\n", actions_of(*verb));
    }
    fputs("        esac\n    fi\n    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\ncomplete -o default -F _leat leat\n", stdout);
}

// In single quotes, within brackets or after a colon.
static void put_zsh_text(const char *text) {
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (strchr("[]:\\", *text))
            printf("\\%c", *text);
        else
            putchar(*text);
}

static void put_zsh(void) {
    fputs("#compdef leat\n# completion of leat for zsh: a file _leat in a folder of $fpath\n_leat() {\n    if ((CURRENT == 2)); then\n"
          "        local -a verbs=(\n",
          stdout);
    for (const struct verb *const *verb = verbs; *verb; verb++) {
        printf("            '%s:", (*verb)->name);
        put_zsh_text((*verb)->summary);
        fputs("'\n", stdout);
    }
    fputs("        )\n        _describe verb verbs\n        return\n    fi\n    case ${words[2]} in\n", stdout);
    for (const struct verb *const *verb = verbs; *verb; verb++) {
        printf("        %s) _arguments", (*verb)->name);
        for (const struct flag *flag = (*verb)->flags; flag->name; flag++) {
            printf(" '%s--%s[", flag->is_repeatable ? "*" : "", flag->name);
            put_zsh_text(flag->help);
            printf(flag->value && !strcmp(flag->value, "DIR") ? "]:%s:_files -/'" : flag->value ? "]:%s: '" : "]'", flag->value);
        }
        if (*actions_of(*verb))
            printf(" '2:action:(%s)'", actions_of(*verb));
        fputs(" '*:file:_files' ;;\n", stdout);
    }
    fputs("    esac\n}\n_leat \"$@\"\n", stdout);
}

// ---- the verbs

static void put(const struct verb *verb) {
    if (verb)
        put_page(verb);
    else
        put_overview();
    fflush(stdout);
}

// man(1) sets it and pages it. False: there is none, or one that does not show pages, as in small images.
static bool show_by_man(const struct verb *verb) {
    static const char *const ask[] = {"sh", "-c", "echo .TH LEAT 1 | man -l - >/dev/null 2>&1", NULL};
    FILE *man = project_command(ask, -1) == 0 ? popen("man -l -", "w") : NULL;
    int terminal = man ? dup(STDOUT_FILENO) : -1;
    if (terminal < 0)
        return man && pclose(man) == 0;
    dup2(fileno(man), STDOUT_FILENO);
    put(verb);
    dup2(terminal, STDOUT_FILENO);
    close(terminal);
    return pclose(man) == 0;
}

static int show(const struct invocation *invocation, const struct verb *verb) {
    if (environment_value(invocation->environment, "--troff").ptr || !isatty(STDOUT_FILENO))
        return put(verb), 0;
    return show_by_man(verb) ? 0 : verb_help(verb);
}

static int run_manual(const struct invocation *invocation) {
    const char *name = invocation->arguments[0];
    if (!name)
        return show(invocation, NULL);
    for (const struct verb *const *verb = verbs; *verb; verb++)
        if (!strcmp((*verb)->name, name))
            return show(invocation, *verb);
    fprintf(stderr, "leat: error: there is no verb '%s'; `leat --help` shows those there are\n", name);
    return 2;
}

static int run_completion(const struct invocation *invocation) {
    const char *shell = invocation->arguments[0];
    if (shell && !strcmp(shell, "bash"))
        return put_bash(), 0;
    if (shell && !strcmp(shell, "zsh"))
        return put_zsh(), 0;
    fputs("leat: error: for which shell? `leat completion bash` or `leat completion zsh`\n", stderr);
    return 2;
}

static const struct flag no_flags[] = {{0}};

static const struct flag manual_flags[] = {
    {"troff", NULL, "--troff", "true", false, "the source of the page, on a terminal too"},
    {0},
};

const struct verb verb_manual = {
    .group = VERBS_FOR_AUTHORS,
    .name = "manual",
    .arguments = "[VERB]",
    .summary = "show the man page of leat, or of a verb",
    .text =
        "On a terminal as man(1) shows it, or as plain text where that is not installed; elsewhere its source, for man and its kin. An\n"
        "installed leat has the pages as leat(1), leat-run(1) and so on.\n"
        "\n"
        "Examples:\n"
        "  leat manual\n"
        "  leat manual run\n"
        "  leat manual run > leat-run.1\n",
    .flags = manual_flags,
    .run = run_manual,
};

const struct verb verb_completion = {
    .group = VERBS_FOR_AUTHORS,
    .name = "completion",
    .arguments = "bash|zsh",
    .summary = "print the completion of verbs and flags for a shell",
    .text = "An installed leat has it in place already.\n"
            "\n"
            "Examples:\n"
            "  source <(leat completion bash)\n"
            "  leat completion zsh > ~/.zfunc/_leat\n",
    .flags = no_flags,
    .run = run_completion,
};
