import { createHash } from 'node:crypto'

/** A Lua script, and the name by which a server that has heard it knows it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/**
 * What every script begins with. `T` is the game. The keys of a game are made from its token, and
 * which game a player joins is decided in the script: so the keys cannot be named beforehand, and
 * the state needs a server that is not a cluster.
 */
const common = `
local me, lease, expiry, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local T = ARGV[5]
local call = redis.call
local function of(name) return 'games:' .. T .. ':' .. name end
local function hero(user) return of('superheros:' .. user) end
local function serverMs()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Seats in their order; '' is free.
local function seated()
  local fields = {}
  for seat = 1, tonumber(call('GET', of('participants'))) do fields[seat] = 'user' .. seat end
  return call('HMGET', of('seats'), unpack(fields))
end

-- Those with a player in the game, and the one that keeps its time while it is open.
local function servers()
  local found = {}
  for _, server in ipairs(call('HVALS', of('servers'))) do found[server] = true end
  return found
end
local function tell(words)
  for server in pairs(servers()) do
    if server ~= me then call('PUBLISH', 'games:server:' .. server, words) end
  end
end
local function attach(user, server)
  call('HSET', of('servers'), user, server)
  call('SADD', 'games:server:' .. server, T)
end
local function detach(user)
  local server = call('HGET', of('servers'), user)
  if not server then return end
  call('HDEL', of('servers'), user)
  if not servers()[server] then call('SREM', 'games:server:' .. server, T) end
end

local function keys()
  local all = { 'games:' .. T }
  local names = { 'participants', 'status', 'host', 'order', 'superheros', 'logs' }
  for _, name in ipairs(names) do all[#all + 1] = of(name) end
  for _, name in ipairs({ 'seats', 'servers', 'deaths' }) do all[#all + 1] = of(name) end
  for _, user in ipairs(seated()) do if user ~= '' then all[#all + 1] = hero(user) end end
  return all
end
local function expire()
  for _, key in ipairs(keys()) do call('PEXPIRE', key, expiry) end
end

-- Nobody plays it any more.
local function close(words)
  call('ZREM', 'games:participants', T)
  local all = servers()
  tell(words)
  for server in pairs(all) do call('SREM', 'games:server:' .. server, T) end
  call('DEL', of('servers'))
end
-- It will not start.
local function closeOpen()
  local size = call('GET', of('participants'))
  for _, user in ipairs(seated()) do
    if user ~= '' then call('HDEL', 'games:waiting', user .. ' ' .. size) end
  end
  call('LREM', 'games:players:' .. size, 0, T)
  close('look ' .. T)
end

local function finished()
  local players = {}
  for _, user in ipairs(seated()) do
    players[#players + 1] = user
    players[#players + 1] = call('HGET', hero(user), 'id')
  end
  local at = call('HMGET', of('seats'), 'started', 'ended')
  local deaths, logs = call('LRANGE', of('deaths'), 0, -1), call('LRANGE', of('logs'), 0, -1)
  return { T, call('GET', of('host')), at[1], at[2], players, deaths, logs }
end

-- Whose turn it is, hits so far, and deaths.
local function turn()
  return { call('LINDEX', of('order'), 0), call('LLEN', of('logs')), call('LLEN', of('deaths')) }
end

-- After a hit or a death. Who ends the game reports it; where that fails, whoever sees it due.
local function after()
  if call('LLEN', of('order')) > 1 then
    local stands = turn()
    tell('turn ' .. T .. ' ' .. table.concat(stands, ' '))
    return stands
  end
  call('SET', of('status'), 'COMPLETE')
  local started = tonumber(call('HGET', of('seats'), 'started'))
  call('HSET', of('seats'), 'ended', math.max(started, now))
  close('over ' .. T)
  call('ZADD', 'games:unreported', serverMs() + lease, T)
  return { false, finished() }
end

-- Players of a running game die. What of them is dead already stays so.
local function fall(users)
  local fallen = {}
  for _, user in ipairs(users) do
    if call('LREM', of('order'), 0, user) > 0 then
      call('HSET', hero(user), 'health', 0)
      call('RPUSH', of('deaths'), user)
      fallen[#fallen + 1] = user
    end
  end
  return { fallen, #fallen == 0 and turn() or after() }
end

-- Players of an open game give back their seats; true when nobody is left in it.
local function rise(users)
  local size = call('GET', of('participants'))
  local seats, host, isLeft = seated(), call('GET', of('host')), {}
  for _, user in ipairs(users) do isLeft[user] = true end
  local wasFull, stayed, freed = true, nil, 0
  for seat, user in ipairs(seats) do
    if user == '' then
      wasFull = false
    elseif isLeft[user] then
      call('HSET', of('seats'), 'user' .. seat, '')
      call('SREM', 'games:' .. T, user)
      call('SREM', of('superheros'), call('HGET', hero(user), 'id'))
      call('DEL', hero(user))
      call('HDEL', 'games:waiting', user .. ' ' .. size)
      freed = freed + 1
    else
      stayed = stayed or user
    end
  end
  if not stayed then
    local all = keys()
    closeOpen()
    call('DEL', unpack(all))
    return true
  end
  if freed > 0 then
    call('ZINCRBY', 'games:participants', -freed, T)
    if wasFull then call('RPUSH', 'games:players:' .. size, T) end
    if isLeft[host] then call('SET', of('host'), stayed) end
  end
  return false
end

-- Players who came to the lobby by that server leave: those named, or all of them.
local function leave(server, from)
  local named, users = {}, {}
  for at = from, #ARGV do named[ARGV[at]] = true end
  local at = call('HGETALL', of('servers'))
  for field = 1, #at, 2 do
    local user = at[field]
    local isMeant = from > #ARGV or named[user]
    if at[field + 1] == server and user ~= 'keeper' and isMeant then users[#users + 1] = user end
  end
  table.sort(users)
  for _, user in ipairs(users) do detach(user) end
  local status = call('GET', of('status'))
  if status == 'OPEN' then return { 'open', rise(users) and 1 or 0, users } end
  if status ~= 'START' then return { 'gone', 0, users } end
  return { 'running', fall(users), users }
end

local function round()
  local answer = turn()
  for _, user in ipairs(seated()) do
    answer[#answer + 1] = user
    for _, value in ipairs(call('HMGET', hero(user), 'id', 'attack', 'health')) do
      answer[#answer + 1] = value
    end
  end
  return answer
end
`

/** One step on the state; its own arguments begin with the sixth. */
export function gameScript(body: string): Script {
  const text = `${common}\n${body}`
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
