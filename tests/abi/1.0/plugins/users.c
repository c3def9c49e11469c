// users.c — accounts and sign-in.
#include <leat/leat.h>

SETTINGS(AuthSettings, (i32, access_token_expire_minutes, .def = 30, .ge = 1, .description = "Minutes that a token is good for"));

// ---- schemas

static const char *email_lowercase(req *r, str *s);
static const char *password_strength(req *r, str *s);

ENUM(UserRole, admin, user);

// clang-format off
#define USER_NAMES                                                                        \
    (str, first_name, .min_length = 1, .max_length = 100, .description = "First name"),  \
    (str, last_name,  .min_length = 1, .max_length = 100, .description = "Last name")
#define USER_BASE                                                                                                      \
    (str, email, .format = EMAIL, .check = email_lowercase, .description = "User email address"),                     \
    USER_NAMES

SCHEMA(UserCreate, USER_BASE,
    (str, password, .min_length = 8, .max_length = 255, .secret = true, .check = password_strength,
                    .description = "Password: at least 8 characters, an upper-case letter and a digit"));

PARTIAL(UserUpdate, USER_NAMES);

SCHEMA(UserResponse,
    (uuid,      id,         .description = "User ID"),
    USER_BASE,
    (UserRole,  role,       .def = UserRole_user),
    (bool,      is_active,  .def = true),
    (timestamp, created_at),
    (timestamp, updated_at));

TABLE(User, "users",
    (uuid,      id,            .primary_key = true, .server_default = "gen_random_uuid()"),
    (str,       email,         .max_length = 255, .unique = true),
    (str,       password_hash, .max_length = 255, .secret = true),
    (str,       first_name,    .max_length = 100),
    (str,       last_name,     .max_length = 100),
    (UserRole,  role,          .server_default = "'user'"),
    (bool,      is_active,     .server_default = "true"),
    (timestamp, created_at,    .server_default = "now()"),
    (timestamp, updated_at,    .server_default = "now()", .on_update = "now()"));
INDEX(User, users_created_at_id_idx, created_at, id);

SCHEMA(LoginForm,
    (str, grant_type,    .pattern = "^password$", .optional = true),
    (str, username,      .description = "The email address"),
    (str, password,      .secret = true),
    (str, scope,         .optional = true),
    (str, client_id,     .optional = true),
    (str, client_secret, .optional = true, .secret = true));

SCHEMA(Token, (str, access_token), (str, token_type));

SCHEMA(Credentials, (uuid, id), (str, password_hash));

// What get_active_user and get_admin_user hand out, to other plugins as well.
SCHEMA(Account, (uuid, id), (UserRole, role), (bool, is_active));
// clang-format on

// ---- errors

ERROR(email_taken, 409, "Email already registered", .constraint = "users_email_key");
ERROR(invalid_credentials, 401, "Invalid credentials", .headers = "WWW-Authenticate: Bearer");
ERROR(invalid_token, 401, "Invalid token", .headers = "WWW-Authenticate: Bearer");
ERROR(user_not_found, 404, "User not found");
ERROR(not_yourself, 403, "Cannot update other users");
ERROR(inactive_user, 403, "Inactive user");
ERROR(not_admin, 403, "Admins only");

// ---- dependencies

PROVIDE(get_current_user, uuid, (depends(bearer_token, token), depends(get_db, db)), .errors = ERRORS(invalid_token)) {
    str subject;
    uuid id;
    if (!jwt_check(r, token, &subject) || !uuid_parse(subject, &id))
        fail(r, invalid_token);
    db_require(db, invalid_token, "SELECT 1 FROM users WHERE id = $1", id);
    return id;
}

PROVIDE(get_active_user, Account *, (depends(get_current_user, id), depends(get_db, db)), .errors = ERRORS(invalid_token, inactive_user)) {
    Account *account = db_one(db, Account, "SELECT {*} FROM users WHERE id = $1", id);
    if (!account)
        fail(r, invalid_token);
    if (!account->is_active)
        fail(r, inactive_user);
    return account;
}

PROVIDE(get_admin_user, Account *, (depends(get_active_user, account)), .errors = ERRORS(not_admin)) {
    if (account->role != UserRole_admin)
        fail(r, not_admin);
    return account;
}

// The zero UUID stands for nobody: no token, or one that is not good.
PROVIDE(get_optional_user, uuid, (depends(optional_bearer_token, token))) {
    str subject;
    uuid id;
    bool is_known = token.ptr && jwt_check(r, token, &subject) && uuid_parse(subject, &id);
    return is_known ? id : (uuid){0};
}

// ---- routes

POST("/auth/register", register_user, UserResponse, (body(UserCreate, in), depends(get_db, db)), .status = 201, .tag = "auth",
     .summary = "Create an account", .errors = ERRORS(email_taken)) {
    return db_one(db, UserResponse, "INSERT INTO users (email, password_hash, first_name, last_name) VALUES ($1, $2, $3, $4) RETURNING {*}",
                  in->email, password_hash(r, in->password), in->first_name, in->last_name);
}

POST("/auth/login", login, Token, (form(LoginForm, in), depends(get_db, db)), .tag = "auth",
     .summary = "Exchange email and password for a token", .errors = ERRORS(invalid_credentials)) {
    Credentials *user = db_one(db, Credentials, "SELECT {*} FROM users WHERE email = $1", str_lower(r, in->username));
    if (!password_verify(r, in->password, user ? user->password_hash : S("")))
        fail(r, invalid_credentials);
    if (password_needs_rehash(user->password_hash))
        db_exec(db, "UPDATE users SET password_hash = $1 WHERE id = $2", password_hash(r, in->password), user->id);

    Token *token = new (r, Token);
    token->access_token = jwt_issue(r, uuid_text(r, user->id), settings(AuthSettings)->access_token_expire_minutes * 60);
    token->token_type = S("bearer");
    return token;
}

GET("/users", list_users, UserResponse_list,
    (query(i64, skip, .def = 0, .ge = 0), query(i64, limit, .def = 20, .ge = 1, .le = 100), depends(get_current_user, me),
     depends(get_db, db)),
    .summary = "List accounts, the oldest first") {
    return db_list(db, UserResponse, "SELECT {*} FROM users ORDER BY created_at, id OFFSET $1 LIMIT $2", skip, limit);
}

GET("/users/me", get_me, UserResponse, (depends(get_current_user, me), depends(get_db, db)), .summary = "Your own account",
    .errors = ERRORS(invalid_token)) {
    UserResponse *user = db_one(db, UserResponse, "SELECT {*} FROM users WHERE id = $1", me);
    if (!user)
        fail(r, invalid_token);
    return user;
}

GET("/users/{user_id}", get_user, UserResponse, (path(uuid, user_id), depends(get_current_user, me), depends(get_db, db)),
    .summary = "One account", .errors = ERRORS(user_not_found)) {
    UserResponse *user = db_one(db, UserResponse, "SELECT {*} FROM users WHERE id = $1", user_id);
    if (!user)
        fail(r, user_not_found);
    return user;
}

PATCH("/users/{user_id}", update_user, UserResponse,
      (path(uuid, user_id), body(UserUpdate, in), depends(get_current_user, me), depends(get_db, db)), .summary = "Change your own names",
      .errors = ERRORS(not_yourself, user_not_found)) {
    if (!uuid_eq(user_id, me))
        fail(r, not_yourself);
    UserResponse *user = in->set.bits
                             ? db_one(db, UserResponse, "UPDATE users SET {set} WHERE id = $2 RETURNING {*}", SET(UserUpdate, in), user_id)
                             : db_one(db, UserResponse, "SELECT {*} FROM users WHERE id = $1", user_id);
    if (!user)
        fail(r, user_not_found);
    return user;
}

// ---- validators

static const char *email_lowercase(req *r, str *s) {
    *s = str_lower(r, *s);
    return NULL;
}

static const char *password_strength(req *r LEAT_UNUSED, str *s) {
    if (!str_has_upper(*s))
        return "Password must contain uppercase letter";
    return str_has_digit(*s) ? NULL : "Password must contain digit";
}

PLUGIN(users, .version = "1.0.0", .prefix = "/v1", .tag = "users", .description = "Accounts and sign-in", .migrations = "migrations/users");
