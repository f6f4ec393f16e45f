-- For wrk: sends the requests of the file REQUESTS in turn, each thread from another of them, with the head lines HEAD, and
-- prints one line of figures. A line is METHOD PATH BODY; `{n}` in a body is another number each time, `{i}` in HEAD that of the
-- line.
local requests, numbered, at, sent = {}, false, 0, 0
local threads = 0

function setup(thread)
  thread:set('number', threads)
  threads = threads + 1
end

function init()
  numbered = os.getenv('NUMBERED')
  for line in io.lines(os.getenv('REQUESTS')) do
    local method, path, body = line:match('^(%S+) (%S+) ?(.*)$')
    local head = method .. ' ' .. path .. ' HTTP/1.1\r\nHost: bench\r\n' .. os.getenv('HEAD'):gsub('{i}', #requests)
    if body ~= '' then
      -- A number has nine digits, so that the length is known.
      local length = #body:gsub('{n}', '123456789')
      head = head .. 'Content-Type: application/json\r\nContent-Length: ' .. length .. '\r\n'
    end
    requests[#requests + 1] = head .. '\r\n' .. body
  end
  at = number * 7919
end

function request()
  at = at + 1
  local text = requests[at % #requests + 1]
  if not numbered then return text end
  sent = sent + 1
  return (text:gsub('{n}', string.format('%d%08d', number, sent)))
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('FIGURES %d %d %d %f %f %f %d\n', summary.requests, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, summary.bytes))
end
