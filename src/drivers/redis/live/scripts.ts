import { Script } from '../script.ts'
import type { Home } from '../servers.ts'

/** Everything that one script does is one step: nobody comes or goes between. */
export interface LiveScripts {
  /** ARGV: channel, messages. To how many each went. */
  readonly broadcast: Script
  /**
   * KEYS: lease. ARGV: channel, messages. 1 where a lead takes them, else 0, and nothing was
   * published. Who listens by a pattern is no lead.
   */
  readonly toLead: Script
  /**
   * KEYS: lease. ARGV: fence, then channel and message for each. Per message 1, or 0 where nobody
   * listens there, and it was not published; `fenced` where another leads.
   */
  readonly send: Script
}

function made(prefix: '' | 'S', ask: 'NUMSUB' | 'SHARDNUMSUB'): LiveScripts {
  const publish = `redis.call('${prefix}PUBLISH', `
  const isHeard = `redis.call('PUBSUB', '${ask}', channel)[2] > 0`
  return {
    broadcast: new Script(`
local said = {}
for at = 2, #ARGV do said[at - 1] = ${publish}ARGV[1], ARGV[at]) end
return said`),
    toLead: new Script(`
local lead = redis.call('GET', KEYS[1])
local channel = ARGV[1]
if not lead or string.sub(lead, 1, 1) ~= '+' or not (${isHeard}) then return 0 end
for at = 2, #ARGV do ${publish}channel, ARGV[at]) end
return 1`),
    send: new Script(`
if ARGV[1] ~= '' then
  local lead = redis.call('GET', KEYS[1])
  if not lead or string.sub(lead, 2) ~= ARGV[1] then return 'fenced' end
end
local heard = {}
local said = {}
for at = 2, #ARGV, 2 do
  local channel = ARGV[at]
  if heard[channel] == nil then heard[channel] = ${isHeard} end
  if heard[channel] then ${publish}channel, ARGV[at + 1]) end
  said[#said + 1] = heard[channel] and 1 or 0
end
return said`),
  }
}

const single = made('', 'NUMSUB')
const sharded = made('S', 'SHARDNUMSUB')

export const liveScripts = ({ isCluster }: Home): LiveScripts => (isCluster ? sharded : single)
