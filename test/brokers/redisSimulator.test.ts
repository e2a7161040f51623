import { createClient } from '@redis/client'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { obtainRedis } from '../../src/lab/brokers/obtainRedis.ts'
import { randomFrom } from '../../src/simulator/random.ts'
import { loadHeroes } from '../../src/simulator/roster.ts'
import { MemoryState } from '../../src/simulator/state/memory.ts'
import { RedisState } from '../../src/simulator/state/redis/redisState.ts'
import { StatesInStep } from './statesInStep.ts'

const { redis, missing } = await obtainRedis()
/** Few and frail, so that games end soon. */
const heroes = loadHeroes()
  .slice(0, 5)
  .map((hero) => ({ ...hero, strength: 100, durability: 4 }))
const common = { heroes, seed: 5, usersMax: 100, gamesMax: 4 }

const everything = [
  ...['UNKNOWN GAME TOKEN', 'USER NOT IN GAME', 'complete', 'running', 'timedOut', 'waiting'].map(
    (answer) => `enter ${answer}`,
  ),
  ...['expire false', 'expire true'],
  ...['fighter', 'fighter UNKNOWN GAME TOKEN', 'fighter USER NOT IN GAME'],
  ...['hit', 'hit ENEMY IS DEAD', 'hit ENEMY IS YOURSELF', 'hit GAME IS OVER'],
  ...['hit GAME NOT STARTED', 'hit NOT YOUR TURN', 'hit UNKNOWN ENEMY TOKEN'],
  ...['hit UNKNOWN GAME TOKEN', 'hit USER NOT IN GAME', 'hit over'],
  ...['join', 'join none', 'leave gone', 'leave open', 'leave running', 'leave running over'],
  ...['look UNKNOWN GAME TOKEN', 'look complete', 'look running', 'look timedOut', 'look waiting'],
  ...['timeOutTurn gone', 'timeOutTurn running', 'timeOutTurn running over'],
].toSorted()

describe.skipIf(redis === null)(`the state in Redis ${missing ?? ''}`, () => {
  const url = `${redis?.url}/9`
  const client = createClient({ url })
  const open = (more: object = {}) =>
    RedisState.open({
      ...{ ...common, url, expiryMs: 60_000, leaseMs: 5_000, clock: systemClock },
      ...more,
    })
  beforeAll(async () => {
    await client.connect()
  })
  beforeEach(async () => {
    await client.flushDb()
  })
  afterAll(async () => {
    client.destroy()
    await redis?.stop()
  })

  it('answers as the memory does, whatever is asked', async () => {
    const seen = new Set<string>()
    for (let seed = 1; seed <= 12; seed++) {
      await client.flushDb()
      await using memory = new MemoryState(common)
      await using one = await open()
      await using two = await open()
      const game = new StatesInStep(memory, [one, two], randomFrom(`states/${seed}`))
      await game.play(400)
      for (const kind of game.seen.keys()) seen.add(kind)
    }
    expect([...seen].toSorted()).toEqual(everything)
  })
})
