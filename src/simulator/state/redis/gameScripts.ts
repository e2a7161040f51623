import { gameScript } from './script.ts'

/** What players do. A refusal is its text; everything else is a list. */
export const gameScripts = {
  /** USER, TOKEN if new, users at most → the token and whether it is new; nothing: no room. */
  login: gameScript(`
    local user, fresh = ARGV[6], ARGV[7]
    local known = call('HGET', 'users', user)
    if not known and call('HLEN', 'users') >= tonumber(ARGV[8]) then return {} end
    local token = known or fresh
    if not known then call('HSET', 'users', user, token) end
    call('SADD', 'users:tokens', token)
    return { token, known and 0 or 1 }`),

  /**
   * USER, SIZE, games at most, number of the next game, then a hero for each of its seats, should
   * T be opened. `again` and the number when that is another one.
   */
  join: gameScript(`
    local user, size = ARGV[6], tonumber(ARGV[7])
    local open = 'games:players:' .. size
    local fresh, kept, isNew = T, call('HGET', 'games:waiting', user .. ' ' .. size), 0
    T = kept or call('LINDEX', open, 0)
    if not T then
      if call('ZCARD', 'games:participants') >= tonumber(ARGV[8]) then return {} end
      local number = tonumber(call('GET', 'games:opened') or 0) + 1
      if number ~= tonumber(ARGV[9]) then return { 'again', number } end
      call('INCR', 'games:opened')
      T, isNew = fresh, 1
      call('SET', of('participants'), size)
      call('SET', of('status'), 'OPEN')
      call('SET', of('host'), user)
      for seat = 1, size do
        call('HSET', of('seats'), 'user' .. seat, '', 'hero' .. seat, ARGV[9 + seat])
      end
      call('RPUSH', open, T)
      attach('keeper', me)
    end
    local seat = 1
    for at, other in ipairs(seated()) do
      if other == (kept and user or '') then seat = at break end
    end
    local id, attack, health = string.match(call('HGET', of('seats'), 'hero' .. seat), '(%d+) (%d+) (%d+)')
    if kept then return { T, id, 0, 1 } end
    call('HSET', of('seats'), 'user' .. seat, user)
    call('HSET', hero(user), 'id', id, 'attack', attack, 'health', health)
    call('SADD', of('superheros'), id)
    call('SADD', 'games:' .. T, user)
    call('HSET', 'games:waiting', user .. ' ' .. size, T)
    if tonumber(call('ZINCRBY', 'games:participants', 1, T)) == size then call('LREM', open, 0, T) end
    return { T, id, isNew, 0 }`),

  /** USER → the status, whether it starts now, and the round. */
  enter: gameScript(`
    local user, status = ARGV[6], call('GET', of('status'))
    if not status then return 'UNKNOWN GAME TOKEN' end
    if status ~= 'OPEN' and status ~= 'START' then return { status } end
    if call('SISMEMBER', 'games:' .. T, user) == 0 then return 'USER NOT IN GAME' end
    local earlier = call('HGET', of('servers'), user)
    if earlier ~= me then
      if earlier then call('PUBLISH', 'games:server:' .. earlier, 'taken ' .. T .. ' ' .. user) end
      detach(user)
      attach(user, me)
    end
    if status == 'START' then return { status, 0, round() } end
    local size = call('GET', of('participants'))
    local isKept = call('HEXISTS', of('servers'), 'keeper')
    if call('HLEN', of('servers')) - isKept < tonumber(size) then return { status } end
    local users = seated()
    for _, one in ipairs(users) do call('HDEL', 'games:waiting', one .. ' ' .. size) end
    call('SET', of('status'), 'START')
    call('HSET', of('seats'), 'started', now)
    -- UUIDs: no order of a language differs from that of their bytes.
    table.sort(users)
    call('RPUSH', of('order'), unpack(users))
    tell('look ' .. T)
    detach('keeper')
    return { 'START', 1, round() }`),

  look: gameScript(`
    local status = call('GET', of('status'))
    if not status then return 'UNKNOWN GAME TOKEN' end
    local isOver = status ~= 'OPEN' and status ~= 'START'
    if not isOver and not servers()[me] then return 'USER NOT IN GAME' end
    if status ~= 'START' then return { status } end
    return { status, 0, round() }`),

  /** USER, ENEMY or nothing, the time as text → damage, prior, post and what follows. */
  hit: gameScript(`
    local user, enemy = ARGV[6], ARGV[7]
    local status = call('GET', of('status'))
    if not status then return 'UNKNOWN GAME TOKEN' end
    if call('SISMEMBER', 'games:' .. T, user) == 0 then return 'USER NOT IN GAME' end
    if enemy == '' then return {} end
    if status ~= 'START' then return status == 'OPEN' and 'GAME NOT STARTED' or 'GAME IS OVER' end
    if call('LINDEX', of('order'), 0) ~= user then return 'NOT YOUR TURN' end
    if enemy == user then return 'ENEMY IS YOURSELF' end
    if call('SISMEMBER', 'games:' .. T, enemy) == 0 then return 'UNKNOWN ENEMY TOKEN' end
    local prior = tonumber(call('HGET', hero(enemy), 'health'))
    if prior == 0 then return 'ENEMY IS DEAD' end
    local post = math.max(0, prior - tonumber(call('HGET', hero(user), 'attack')))
    call('HSET', hero(enemy), 'health', post)
    call('RPUSH', of('logs'), string.format(
      '{"TIMESTAMP":"%s","PAYLOAD":{"GAME_TOKEN":"%s","USER_TOKEN":"%s"},"STATUS":{"ACTION":"ATTACK","DETAILS":{"ENEMY_TOKEN":"%s","ENEMY_DAMAGE":%.0f,"ENEMY_HEALTH_PRIOR":%.0f,"ENEMY_HEALTH_POST":%.0f}}}',
      ARGV[8], T, user, enemy, prior - post, prior, post))
    if post == 0 then
      call('LREM', of('order'), 0, enemy)
      call('RPUSH', of('deaths'), enemy)
    end
    call('LMOVE', of('order'), of('order'), 'LEFT', 'RIGHT')
    return { prior - post, prior, post, after() }`),

  /** USERS of this server; without any, all of them. */
  leave: gameScript('return leave(me, 6)'),

  /** STEP */
  timeOutTurn: gameScript(`
    if call('GET', of('status')) ~= 'START' then return { 'gone', 0, {} } end
    local step = call('LLEN', of('logs')) + call('LLEN', of('deaths'))
    local isStill = step == tonumber(ARGV[6])
    return { 'running', fall(isStill and { call('LINDEX', of('order'), 0) } or {}), {} }`),

  /** 1: it had not started. */
  expire: gameScript(`
    if call('GET', of('status')) ~= 'OPEN' then return 0 end
    call('SET', of('status'), 'TIMED OUT')
    closeOpen()
    expire()
    return 1`),
} as const
