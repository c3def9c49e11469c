// options.c — what the load is asked to do, from the command line.
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS_MAX = 16384, PIPELINE_MAX = 256, REQUEST_BYTES_MAX = 1 << 20 };

static const char text[] =
    "usage: load [OPTION...] HOST:PORT        (HOST in numbers)\n"
    "\n"
    "Loads an HTTP/1.1 server from one ring, checks every answer, and prints what it saw as JSON. Prints the line `begin` once "
    "connections\n"
    "stand and the warm-up is over, and `end` when the measured time is.\n"
    "\n"
    "  --path PATH           GET it (/); or:\n"
    "  --request FILE        the bytes of the request, just as they are in the file\n"
    "  --connections N       (64)\n"
    "  --pipeline N          requests in one send; the next ones leave when all of them are answered (1)\n"
    "  --seconds S           of measuring (5)\n"
    "  --requests N          that many, instead of a time; exits when all are answered\n"
    "  --warm-up S           not counted (0)\n"
    "  --rate N              an open loop of N requests/s: each has its time, and what it waits for a free connection counts\n"
    "  --churn               a connection for each request, which must ask for `Connection: close`\n"
    "  --idle N              that many more connections, which were answered once and then say nothing\n"
    "  --status N            wanted (200)\n"
    "  --length N            wanted of the body (any)\n"
    "  --body TEXT           that the body begins with\n";

enum { PATH = 256, REQUEST, CONNECTIONS, PIPELINE, SECONDS, REQUESTS, WARM_UP, RATE, CHURN, IDLE, STATUS, LENGTH, BODY, HELP };

static const struct option names[] = {
    {"path", required_argument, NULL, PATH},
    {"request", required_argument, NULL, REQUEST},
    {"connections", required_argument, NULL, CONNECTIONS},
    {"pipeline", required_argument, NULL, PIPELINE},
    {"seconds", required_argument, NULL, SECONDS},
    {"requests", required_argument, NULL, REQUESTS},
    {"warm-up", required_argument, NULL, WARM_UP},
    {"rate", required_argument, NULL, RATE},
    {"churn", no_argument, NULL, CHURN},
    {"idle", required_argument, NULL, IDLE},
    {"status", required_argument, NULL, STATUS},
    {"length", required_argument, NULL, LENGTH},
    {"body", required_argument, NULL, BODY},
    {"help", no_argument, NULL, HELP},
    {0},
};

static void refuse(const char *what, const char *value) {
    fprintf(stderr, "load: %s: %s\n", what, value);
    exit(2);
}

static double number(const char *name, const char *value, double least, double most) {
    char *end;
    double number = strtod(value, &end);
    if (*end || end == value || !(number >= least && number <= most))
        refuse(name, value);
    return number;
}

static void read_request(struct options *options, const char *path) {
    FILE *file = fopen(path, "rb");
    options->request = malloc(REQUEST_BYTES_MAX);
    if (!file || !options->request)
        refuse(path, strerror(errno));
    options->request_bytes = fread(options->request, 1, REQUEST_BYTES_MAX, file);
    fclose(file);
    if (!options->request_bytes)
        refuse(path, "is empty");
}

static void make_request(struct options *options, const char *path) {
    int bytes = asprintf(&options->request, "GET %s HTTP/1.1\r\nHost: %s:%u\r\n%s\r\n", path, options->host, options->port,
                         options->is_churn ? "Connection: close\r\n" : "");
    if (bytes < 0)
        refuse(path, "no memory");
    options->request_bytes = (size_t)bytes;
}

static void read_address(struct options *options, char *address) {
    char *colon = address ? strrchr(address, ':') : NULL;
    if (!colon)
        refuse("an address is wanted, HOST:PORT", address ? address : "there is none");
    *colon = '\0';
    options->host = address;
    options->port = (uint16_t)number("a port is wanted", colon + 1, 1, 65535);
}

static void read_option(struct options *options, int name, const char **path, const char **file) {
    switch (name) {
    case PATH:
        *path = optarg;
        break;
    case REQUEST:
        *file = optarg;
        break;
    case CONNECTIONS:
        options->connections = (unsigned)number("--connections", optarg, 1, CONNECTIONS_MAX);
        break;
    case PIPELINE:
        options->pipeline = (unsigned)number("--pipeline", optarg, 1, PIPELINE_MAX);
        break;
    case SECONDS:
        options->seconds = number("--seconds", optarg, 0.01, 86400);
        break;
    case REQUESTS:
        options->requests = (uint64_t)number("--requests", optarg, 1, 1e12);
        break;
    case WARM_UP:
        options->warm_up = number("--warm-up", optarg, 0, 3600);
        break;
    case RATE:
        options->rate = number("--rate", optarg, 1, 1e7);
        break;
    case CHURN:
        options->is_churn = true;
        break;
    case IDLE:
        options->idle = (unsigned)number("--idle", optarg, 0, CONNECTIONS_MAX);
        break;
    case STATUS:
        snprintf(options->wanted.status, sizeof options->wanted.status, "%03.0f", number("--status", optarg, 100, 599));
        break;
    case LENGTH:
        options->wanted.body_bytes = (long)number("--length", optarg, 0, 1e12);
        break;
    case BODY:
        options->wanted.body = optarg;
        options->wanted.body_prefix_bytes = strlen(optarg);
        break;
    case HELP:
        fputs(text, stdout);
        exit(0);
    default:
        fputs(text, stderr);
        exit(2);
    }
}

void options_read(struct options *options, int count, char **arguments) {
    const char *path = "/", *file = NULL;
    *options = (struct options){.connections = 64, .pipeline = 1, .seconds = 5, .wanted = {.status = "200", .body_bytes = -1}};
    for (int name; (name = getopt_long(count, arguments, "", names, NULL)) >= 0;)
        read_option(options, name, &path, &file);
    read_address(options, arguments[optind]);
    if (options->pipeline > 1 && (options->rate || options->is_churn))
        refuse("--pipeline", "is for a closed loop on connections that are kept");
    if (options->rate && (options->requests || options->is_churn))
        refuse("--rate", "goes with --seconds, on connections that are kept");
    if (file)
        read_request(options, file);
    else
        make_request(options, path);
}
