// test_database.c — where the tests' Postgres is: TEST_DATABASE_URL, or a throw-away cluster with a database of this process.
#include "test_database.h"

#include <errno.h>
#include <sys/stat.h>

#include "db/scratch.h"

// var/test, its parents too.
static int make_folder(const char *path, struct arena *arena) {
    str copy = arena_format(arena, "%s", path);
    if (!copy.ptr)
        return -ENOMEM;
    char *text = (char *)copy.ptr;
    for (size_t i = 1; i <= copy.len; i++) {
        if (text[i] != '/' && text[i] != '\0')
            continue;
        char end = text[i];
        text[i] = '\0';
        if (mkdir(text, 0755) < 0 && errno != EEXIST)
            return -errno;
        text[i] = end;
    }
    return 0;
}

int test_database_open(const struct environment *environment, struct arena *arena, struct test_database *ret_database, str *ret_failure) {
    str url = environment_value(environment, "TEST_DATABASE_URL"), var = environment_value(environment, "LEAT_TEST_VAR");
    struct test_database database = {0};
    if (url.ptr) {
        database.conninfo = arena_format(arena, "%.*s", (int)url.len, url.ptr).ptr;
        *ret_database = database;
        return database.conninfo ? 0 : -ENOMEM;
    }
    struct cluster_options options = {.var = var.ptr ? arena_format(arena, "%.*s", (int)var.len, var.ptr).ptr : "var/test",
                                      .is_throwaway = true};
    int status = options.var ? make_folder(options.var, arena) : -ENOMEM;
    if (status < 0) {
        *ret_failure = arena_format(arena, "the folder %s cannot be made; name another with LEAT_TEST_VAR", options.var);
        return status;
    }
    status = cluster_start(&options, arena, &database.cluster, ret_failure);
    if (status < 0)
        return status;
    status = scratch_create(cluster_conninfo(database.cluster), arena, &database.conninfo, ret_failure);
    if (status < 0)
        cluster_stop(database.cluster);
    else
        *ret_database = database;
    return status;
}

void test_database_close(struct test_database *database) {
    if (!database->cluster)
        return;
    scratch_drop(cluster_conninfo(database->cluster));
    cluster_stop(database->cluster);
    *database = (struct test_database){0};
}
