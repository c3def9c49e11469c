// test_database.h — where the tests' Postgres is: TEST_DATABASE_URL, or a throw-away cluster with a database of this process.
#ifndef TESTING_TEST_DATABASE_H
#define TESTING_TEST_DATABASE_H

#include "db/cluster.h"
#include "host/environment.h"

struct test_database {
    const char *conninfo;
    struct cluster *cluster; // NULL: somebody else's
};

/** 0, or a negative errno and what is wrong. */
int test_database_open(const struct environment *environment, struct arena *arena, struct test_database *ret_database, str *ret_failure);
/** Drops our database and leaves the cluster. */
void test_database_close(struct test_database *database);

#endif
