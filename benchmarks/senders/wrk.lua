-- Repeats one message, and counts the answers that aren't errcode 0: wrk … -s wrk.lua URL -- BODY
local threads = {}
local message

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  refused = 0
  message = wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, args[1])
end

function request()
  return message
end

function response(status, _, body)
  if status ~= 200 or not string.find(body, '"errcode":0,', 1, true) then
    refused = refused + 1
  end
end

function done(summary)
  local failed = 0
  for _, count in pairs(summary.errors) do
    failed = failed + count
  end
  for _, thread in ipairs(threads) do
    failed = failed + thread:get("refused")
  end
  io.write(string.format('\n{"accepted":%d,"failed":%d,"seconds":%f}\n',
    summary.requests - failed, failed, summary.duration / 1e6))
end
