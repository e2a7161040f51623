/** Untaken messages counted one by one where the server does not know how many they are. */
export const countMax = 10_000

/**
 * How many a group has yet to read, for scripts of one group. The server counts what each group has
 * read, but tells neither its log nor its replicas: after a restart or a failover the count is too
 * low, for good. So each group notes the run of the server that counted.
 */
export const lagLua = `
local run = 'run:' .. group
local function serverRun()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end
local function isCounted()
  local known = redis.call('HGET', flags, run)
  return not known or known == serverRun()
end
local function untaken(last)
  local count, from = 0, '(' .. last
  repeat
    local some = redis.call('XRANGE', stream, from, '+', 'COUNT', 500)
    count = count + #some
    from = #some > 0 and '(' .. some[#some][1]
  until #some < 500 or count > ${countMax}
  return count
end
`
