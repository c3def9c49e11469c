// test_files.c — files that people keep: who may see them, what comes back, and what is left in the folder.
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <leat/test.h>

TEST_PLUGINS("users", "files");

IMPORT(get_current_user, uuid, "users");

static const uuid ada = {{0xAD, 0xA, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 1}};
static const uuid bob = {{0xB0, 0xB, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 2}};
#define ADA "ad0a0000-0000-4000-8000-000000000001"
#define BOB "b00b0000-0000-4000-8000-000000000002"

enum { LONG_BYTES = 300000 };

static char folder[] = "/tmp/leat-files-XXXXXX";

// Before the app reads its settings; emptied at the end.
__attribute__((constructor)) static void make_folder(void) {
    if (mkdtemp(folder))
        setenv("FILES_FOLDER", folder, 1);
}

static size_t kept_count(bool removes) {
    size_t count = 0;
    DIR *open_folder = opendir(folder);
    for (struct dirent *entry; open_folder && (entry = readdir(open_folder));) {
        if (entry->d_name[0] == '.')
            continue;
        count++;
        if (removes)
            unlinkat(dirfd(open_folder), entry->d_name, 0);
    }
    if (open_folder)
        closedir(open_folder);
    return count;
}

__attribute__((destructor)) static void remove_folder(void) {
    kept_count(true);
    rmdir(folder);
}

static void sign_in(app *a, uuid who) {
    override(a, get_current_user, who);
}

static void begin(app *a) {
    kept_count(true);
    sql(a, "INSERT INTO users (id, email, password_hash, first_name, last_name) VALUES ('" ADA "', 'ada@example.com', '', 'Ada', 'L'),"
           " ('" BOB "', 'bob@example.com', '', 'Bob', 'B')");
    sign_in(a, ada);
}

static const char *long_text(app *a) {
    char *text = malloc(LONG_BYTES + 1);
    for (size_t i = 0; i < LONG_BYTES; i++)
        text[i] = (char)('a' + i * 7919 % 26);
    text[LONG_BYTES] = '\0';
    const char *kept = text_of(a, "%s", text);
    free(text);
    return kept;
}

static answer *upload(app *a, const char *name, const char *content) {
    return post_files(a, "/v1/files", PARTS({"file", name, "text/plain", {content, strlen(content)}}, {"note", .content = S("a note")}));
}

static const char *path_of(app *a, const answer *x, const char *tail) {
    return text_of(a, "/v1/files/%s%s", text_at(x, "id"), tail);
}

// ---- kept

TEST(a_file_is_kept_and_described) {
    begin(a);
    answer *x = upload(a, "letter.txt", "hello");
    expect_status(x, 201);
    expect_json(x, "name", J("letter.txt"));
    expect_json(x, "content_type", J("text/plain"));
    expect_json(x, "bytes", J(5));
    expect_json(x, "note", J("a note"));
    expect_documented(a, x);
    assert_int_equal(kept_count(false), 1);
    expect_status(get(a, path_of(a, x, "")), 200);
}

TEST(a_file_comes_back_as_it_was_sent) {
    begin(a);
    const char *contents[] = {"", "hello", long_text(a)};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        answer *x = upload(a, "\xc3\xa4 \"b\".txt", contents[i]);
        expect_status(x, 201);
        answer *y = get(a, path_of(a, x, "/content"));
        expect_status(y, 200);
        assert_true(str_eq(y->body, (str){contents[i], strlen(contents[i])}));
        expect_header(y, "Content-Type", "text/plain");
        expect_header(y, "X-Content-Type-Options", "nosniff");
        assert_non_null(strstr(header_at(y, "Content-Disposition").ptr, "attachment"));
    }
}

TEST(a_part_of_a_file_is_a_206) {
    begin(a);
    answer *x = upload(a, "a.txt", long_text(a));
    answer *y = get(a, path_of(a, x, "/content"), .headers = "Range: bytes=1000-1009");
    expect_status(y, 206);
    expect_header(y, "Content-Range", "bytes 1000-1009/300000");
    assert_true(str_eq(y->body, (str){long_text(a) + 1000, 10}));
    expect_status(get(a, path_of(a, x, "/content"), .headers = "Range: bytes=300000-"), 416);
}

TEST(a_list_holds_ones_own_files_alone) {
    begin(a);
    expect_status(upload(a, "one.txt", "1"), 201);
    expect_status(upload(a, "two.txt", "2"), 201);
    sign_in(a, bob);
    expect_json(get(a, "/v1/files"), "pagination.total", J(0));
    expect_status(upload(a, "three.txt", "3"), 201);
    sign_in(a, ada);
    answer *x = get(a, "/v1/files?limit=1");
    expect_status(x, 200);
    expect_json(x, "pagination", J({"page": 1, "limit": 1, "total": 2, "pages": 2}));
    expect_json(x, "data.length", J(1));
    expect_documented(a, x);
}

TEST(another_ones_file_is_not_there) {
    begin(a);
    answer *x = upload(a, "one.txt", "1");
    sign_in(a, bob);
    expect_status(get(a, path_of(a, x, "")), 404);
    expect_status(get(a, path_of(a, x, "/content")), 404);
    expect_status(delete_(a, path_of(a, x, "")), 404);
    assert_int_equal(kept_count(false), 1);
}

TEST(a_deleted_file_is_gone_with_its_bytes) {
    begin(a);
    answer *x = upload(a, "one.txt", long_text(a));
    expect_status(delete_(a, path_of(a, x, "")), 204);
    assert_int_equal(kept_count(false), 0);
    expect_status(get(a, path_of(a, x, "/content")), 404);
    expect_status(delete_(a, path_of(a, x, "")), 404);
}

// ---- refused

TEST(nobody_uploads_without_a_token) {
    answer *x = post_files(a, "/v1/files", PARTS({"file", "a.txt", "text/plain", S("hello")}));
    expect_status(x, 401);
    expect_header(x, "WWW-Authenticate", "Bearer");
}

TEST(an_upload_without_a_file_is_refused_and_one_with_too_long_a_note) {
    begin(a);
    answer *x = post_files(a, "/v1/files", PARTS({"note", .content = S("hello")}));
    expect_status(x, 422);
    expect_json(x, "detail[0].loc", J(["body", "file"]));
    expect_json(x, "detail[0].type", J("missing"));
    char note[202] = "";
    memset(note, 'n', sizeof note - 1);
    x = post_files(a, "/v1/files", PARTS({"file", "a", NULL, S("x")}, {"note", .content = {note, 201}}));
    expect_status(x, 422);
    expect_json(x, "detail[0].type", J("string_too_long"));
    assert_int_equal(kept_count(false), 0);
}

TEST(a_file_whose_owner_has_gone_is_not_kept) {
    begin(a);
    sign_in(a, (uuid){{9}});
    expect_status(upload(a, "one.txt", long_text(a)), 401);
    for (int turn = 0; turn < 200 && kept_count(false); turn++) { // removed by a thread that nobody waits for
        usleep(10000);
        get(a, "/health");
    }
    assert_int_equal(kept_count(false), 0);
}

TEST(a_type_that_is_none_is_not_sent_back) {
    begin(a);
    static const char *const types[] = {"nonsense", "text/\xc3\xa4", ""};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        answer *x = post_files(a, "/v1/files", PARTS({"file", "../../a.html", types[i], S("x")}));
        expect_status(x, 201);
        expect_json(x, "content_type", J("application/octet-stream"));
        expect_json(x, "name", J("a.html"));
        expect_header(get(a, path_of(a, x, "/content")), "Content-Type", "application/octet-stream");
    }
}

TEST(every_route_keeps_to_its_description) {
    begin(a);
    answer *x = upload(a, "one.txt", "1");
    const char *const known[] = {"file_id", text_at(x, "id"), NULL};
    fuzz_every_route(a, .known = known, .only = "/v1/files", .token = token_for(a, ADA), .count = 100);
}
