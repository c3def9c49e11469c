// ask.c — the command's side of the control socket: which server is meant, the question, the answer.
#include "cli/ask.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buffer.h"
#include "cli/control.h"
#include "host/dotenv.h"

enum { SERVERS_MAX = 64 };

struct search {
    const char *var;
    long wanted_pid; // 0: any
    long pids[SERVERS_MAX];
    unsigned count;
    int fd; // of the first that was found
    int error;
};

bool wants_json(const struct invocation *invocation) {
    return environment_value(invocation->environment, "--json").ptr;
}

int print_line(str line) {
    bool is_written = fwrite(line.ptr, 1, line.len, stdout) == line.len && putchar('\n') != EOF && fflush(stdout) == 0;
    return is_written ? 0 : 1;
}

// ---- found

static int connect_to(int folder_fd, const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(name) > 64)
        return -ENAMETOOLONG;
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%.64s", folder_fd, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int error = -errno;
    if (fd >= 0)
        close(fd);
    return error;
}

static void try_one(struct search *search, int folder_fd, const char *name) {
    long pid;
    char end;
    if (sscanf(name, "server-%ld.soc%c", &pid, &end) != 2 || end != 'k' || search->count == SERVERS_MAX)
        return;
    if (search->wanted_pid && pid != search->wanted_pid)
        return;
    int fd = connect_to(folder_fd, name);
    if (fd < 0) { // one that is gone has left it
        search->error = fd == -ECONNREFUSED ? search->error : -fd;
        return;
    }
    search->pids[search->count++] = pid;
    if (search->fd < 0)
        search->fd = fd;
    else
        close(fd);
}

static void find_servers(struct search *search) {
    char path[4096];
    snprintf(path, sizeof path, "%s/run", search->var);
    DIR *folder = opendir(path);
    if (!folder) {
        search->error = errno == ENOENT ? 0 : errno;
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder));)
        try_one(search, dirfd(folder), entry->d_name);
    closedir(folder);
}

static int refuse_none(const struct search *search) {
    if (search->error)
        fprintf(stderr, "leat: error: the server of %s cannot be talked to: %s; do it as its user, or as root\n", search->var,
                strerror(search->error));
    else if (search->wanted_pid)
        fprintf(stderr, "leat: error: no server %ld runs on the folder %s; leave --pid out to see which do\n", search->wanted_pid,
                search->var);
    else
        fprintf(stderr, "leat: error: no server runs on the folder %s; name its folder with --var, or start one with `leat run`\n",
                search->var);
    return -1;
}

static int refuse_many(const struct search *search) {
    fprintf(stderr, "leat: error: %u servers run on the folder %s; say which:", search->count, search->var);
    for (unsigned i = 0; i < search->count; i++)
        fprintf(stderr, " --pid %ld", search->pids[i]);
    fputc('\n', stderr);
    close(search->fd);
    return -1;
}

static bool read_flags(const struct invocation *invocation, struct search *search) {
    struct messages messages;
    messages_init(&messages, invocation->arena);
    dotenv_load(".env", invocation->environment, &messages); // what is wrong there is the server's to say
    str var = environment_value(invocation->environment, "LEAT_VAR"), pid = environment_value(invocation->environment, "--pid");
    search->var = var.ptr ? arena_format(invocation->arena, "%.*s", (int)var.len, var.ptr).ptr : "var";
    const char *text = pid.ptr ? arena_format(invocation->arena, "%.*s", (int)pid.len, pid.ptr).ptr : "0";
    char *end = NULL;
    search->wanted_pid = text ? strtol(text, &end, 10) : -1;
    if (search->var && end && !*end && search->wanted_pid >= (pid.ptr ? 1 : 0))
        return true;
    fprintf(stderr, "leat: error: --pid wants a process number; `leat plugins` shows those there are\n");
    return false;
}

static int find_server(const struct invocation *invocation) {
    struct search search = {.fd = -1};
    if (!read_flags(invocation, &search))
        return -1;
    find_servers(&search);
    return search.count == 0 ? refuse_none(&search) : search.count > 1 ? refuse_many(&search) : search.fd;
}

// ---- asked

static bool send_all(int fd, str text) {
    while (text.len) {
        ssize_t sent = send(fd, text.ptr, text.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        text = (str){text.ptr + sent, text.len - (size_t)sent};
    }
    return true;
}

// Up to the end of the connection; `ptr` is NULL where no whole line came.
static str receive_line(int fd, struct arena *arena) {
    struct buffer buffer = {0};
    str line = {0};
    for (;;) {
        char *room = buffer_bytes(&buffer) < CONTROL_ANSWER_BYTES_MAX ? buffer_reserve(&buffer, 65536) : NULL;
        ssize_t got = room ? recv(fd, room, 65536, 0) : -1;
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        buffer_commit(&buffer, (size_t)got);
    }
    size_t bytes = buffer_bytes(&buffer);
    if (bytes && buffer_head(&buffer)[bytes - 1] == '\n')
        line = arena_copy(arena, (str){buffer_head(&buffer), bytes - 1});
    buffer_finish(&buffer);
    return line;
}

static str exchange(int fd, str question, int patience_ms, struct arena *arena) {
    struct timeval patience = {patience_ms / 1000, patience_ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    str line = question.ptr && send_all(fd, question) ? receive_line(fd, arena) : (str){0};
    if (!line.ptr)
        fprintf(stderr, "leat: error: the server gave no answer%s; its log may say why\n",
                errno == EAGAIN ? " in time: it is busy with plugins, or ends" : "");
    return line;
}

// The answer's line; `ptr` is NULL where there is none, and it was said on stderr why.
static str ask(const struct invocation *invocation, const char *verb, const char *plugin, int patience_ms) {
    int fd = find_server(invocation);
    if (fd < 0)
        return (str){0};
    ControlRequest request = {.verb = str_of(verb), .plugin = str_of(plugin ? plugin : "")};
    str question = words_write(&ControlRequest__schema, &request, invocation->arena);
    if (question.ptr)
        question = arena_format(invocation->arena, "%.*s\n", (int)question.len, question.ptr);
    errno = 0;
    str line = exchange(fd, question, patience_ms, invocation->arena);
    close(fd);
    return line;
}

// Its words alone, of whatever answer.
SCHEMA(Refused, (str, error));

bool ask_for(const struct invocation *invocation, const char *verb, const char *plugin, int patience_ms, const leat_schema *schema,
             void *out, str *ret_line) {
    Refused refused = {0};
    str line = ask(invocation, verb, plugin, patience_ms);
    if (!line.ptr)
        return false;
    if (words_read(&Refused__schema, line, invocation->arena, &refused) == 0 && refused.error.len)
        fprintf(stderr, "leat: error: %.*s\n", (int)refused.error.len, refused.error.ptr);
    else if (words_read(schema, line, invocation->arena, out) < 0)
        fputs("leat: error: the server's answer is not understood; is it of another version than this command?\n", stderr);
    else {
        *ret_line = line;
        return true;
    }
    return false;
}
