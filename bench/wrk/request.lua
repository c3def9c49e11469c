-- request.lua — a request from a file, as often in one send as told: REQUEST=FILE PIPELINE=16 wrk -s request.lua http://HOST:PORT
init = function()
  local file = assert(io.open(os.getenv("REQUEST"), "rb"))
  bytes = string.rep(file:read("a"), tonumber(os.getenv("PIPELINE") or "1"))
  file:close()
end

request = function()
  return bytes
end
