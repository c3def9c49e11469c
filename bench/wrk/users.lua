-- users.lua — a body that is validated and answered: wrk -s users.lua http://HOST:PORT/users
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"email":"ada.lovelace@example.org","first_name":"Ada","last_name":"Lovelace","password":"correct-horse-9"}'
