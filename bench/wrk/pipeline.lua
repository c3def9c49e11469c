-- pipeline.lua — sixteen requests in one send: wrk -s pipeline.lua URL
init = function()
  local requests = {}
  for index = 1, 16 do
    requests[index] = wrk.format("GET")
  end
  pipelined = table.concat(requests)
end

request = function()
  return pipelined
end
