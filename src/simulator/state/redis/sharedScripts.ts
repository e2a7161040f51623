import { gameScript } from './script.ts'

/** How servers look after each other. */
export const sharedScripts = {
  /**
   * MAY SWEEP, then the games that this server reports. → whether it was dead to the others, who
   * is dead to all, and the finished games that are due, which are now this server's to report.
   */
  beat: gameScript(`
    local time = serverMs()
    local lapses = call('ZSCORE', 'games:servers', me)
    call('ZADD', 'games:servers', time + lease, me)
    for at = 7, #ARGV do call('ZADD', 'games:unreported', 'XX', time + lease, ARGV[at]) end
    local wasDead = (not lapses or tonumber(lapses) < time) and 1 or 0
    if wasDead == 1 or ARGV[6] ~= '1' then return { wasDead, {}, {} } end
    local dead = call('ZRANGEBYSCORE', 'games:servers', '-inf', '(' .. time)
    local due = call('ZRANGEBYSCORE', 'games:unreported', '-inf', '(' .. time, 'LIMIT', 0, 100)
    for _, game in ipairs(due) do call('ZADD', 'games:unreported', time + lease, game) end
    return { wasDead, dead, due }`),

  /** A finished game, whole; nothing when it is not there. */
  finished: gameScript(`
    if call('GET', of('status')) ~= 'COMPLETE' then
      call('ZREM', 'games:unreported', T)
      return {}
    end
    return finished()`),

  reported: gameScript(`
    local isMine = call('ZREM', 'games:unreported', T) == 1
    if isMine and call('EXISTS', of('participants')) == 1 then expire() end
    return {}`),

  /** SERVER that is dead: its players leave. → what came of it, and whether the game is ours now. */
  takeOver: gameScript(`
    local server = ARGV[6]
    local lapses = call('ZSCORE', 'games:servers', server)
    if lapses and tonumber(lapses) >= serverMs() then return {} end
    local isKeeper = call('HGET', of('servers'), 'keeper') == server
    local left = leave(server, 7)
    call('SREM', 'games:server:' .. server, T)
    if not isKeeper or left[1] ~= 'open' or left[2] == 1 then return { left, 0 } end
    attach('keeper', me)
    return { left, 1 }`),

  /** SERVER is forgotten, unless games are left to it. */
  bury: gameScript(`
    local lapses = call('ZSCORE', 'games:servers', ARGV[6])
    local isAlive = ARGV[6] ~= me and lapses and tonumber(lapses) >= serverMs()
    if not isAlive and call('SCARD', 'games:server:' .. ARGV[6]) == 0 then
      call('ZREM', 'games:servers', ARGV[6])
    end
    return {}`),

  /** The games of this server, each with its players here. */
  present: gameScript(`
    local answer = {}
    for _, game in ipairs(call('SMEMBERS', 'games:server:' .. me)) do
      T = game
      local users, at = {}, call('HGETALL', of('servers'))
      for field = 1, #at, 2 do
        if at[field + 1] == me and at[field] ~= 'keeper' then users[#users + 1] = at[field] end
      end
      if #at == 0 then call('SREM', 'games:server:' .. me, game) end
      answer[#answer + 1] = { game, users }
    end
    return answer`),
} as const
