// notify.c — messages to users, written after the answer: a task puts them into a table, from which whoever sends takes them.
//
// That table is the outbox: a message is there, or it is not, however the mail server fares, and nothing is sent twice.
#include <leat/leat.h>

// clang-format off
ENUM(NoticeKind, welcome, reminder);

SCHEMA(NoticeCreate,
    (NoticeKind, kind, .def = NoticeKind_welcome, .description = "A welcome is written once, a reminder each time"),
    (str,        text, .optional = true, .max_length = 500, .description = "What a reminder says"));

SCHEMA(Queued, (str, detail));

SCHEMA(Notice,
    (uuid,       id),
    (NoticeKind, kind),
    (str,        recipient),
    (str,        subject),
    (str,        body),
    (timestamp,  created_at),
    (timestamp,  sent_at, .nullable = true));

TABLE(Outbox, "outbox",
    (uuid,       id,         .primary_key = true, .server_default = "gen_random_uuid()"),
    (uuid,       user_id,    .references = "users(id) ON DELETE CASCADE"),
    (NoticeKind, kind),
    (str,        recipient,  .max_length = 255),
    (str,        subject),
    (str,        body),
    (timestamp,  created_at, .server_default = "now()"),
    (timestamp,  sent_at,    .nullable = true));
INDEX_ON(Outbox, outbox_welcome_idx, "(user_id) WHERE kind = 'welcome'", .unique = true);
INDEX_ON(Outbox, outbox_user_id_idx, "(user_id, created_at DESC)");
INDEX_ON(Outbox, outbox_unsent_idx, "(created_at) WHERE sent_at IS NULL");
// clang-format on

VALIDATE(NoticeCreate, in) {
    return in->kind == NoticeKind_reminder && !in->text.len ? "a reminder has a text" : NULL;
}

IMPORT(get_current_user, uuid, "users");

// Name and address are the user's when it is written, not when it was asked for.
TASK(write_welcome, (uuid, user)) {
    i64 written = db_exec(db_of(r),
                          "INSERT INTO outbox (user_id, kind, recipient, subject, body) SELECT id, 'welcome', email, 'Welcome',"
                          " 'Good to have you here, ' || first_name || '.' FROM users WHERE id = $1 ON CONFLICT DO NOTHING",
                          a->user);
    log_info(r, "welcome", "written=%lld", (long long)written);
}

TASK(write_reminder, (uuid, user), (str, text)) {
    db_exec(db_of(r),
            "INSERT INTO outbox (user_id, kind, recipient, subject, body) SELECT id, 'reminder', email, 'Do not forget', $2 FROM users"
            " WHERE id = $1",
            a->user, a->text);
}

POST("/notify", notify, Queued, (body(NoticeCreate, in), depends(get_current_user, me)), .status = 202,
     .summary = "Write to yourself, after the answer") {
    if (in->kind == NoticeKind_welcome)
        spawn(r, write_welcome, .user = me);
    else
        spawn(r, write_reminder, .user = me, .text = in->text);
    Queued *out = new (r, Queued);
    out->detail = S("It is written in the background");
    return out;
}

GET("/notify", list_notices, Notice_list,
    (query(i64, limit, .def = 20, .ge = 1, .le = 100), depends(get_current_user, me), depends(get_db, db)),
    .summary = "What was written to you, the newest first") {
    return db_list(db, Notice, "SELECT {*} FROM outbox WHERE user_id = $1 ORDER BY created_at DESC, id LIMIT $2", me, limit);
}

PLUGIN(notify, .version = "1.0.0", .prefix = "/v1", .tag = "notify", .description = "Messages that are written after the answer",
       .migrations = "migrations/notify", .requires = REQUIRES("users"));
