import { describe, expect, it } from 'vitest'
import { findRedisProgram } from '../../src/lab/brokers/redisProgram.ts'
import { SimulatorScene } from './simulatorScene.ts'

const patient = { timeout: 20_000 }

const hasRedis = (await findRedisProgram()) !== null

/** Every game that started has its record, under one id; and no game is left over. */
async function adUp(scene: SimulatorScene): Promise<void> {
  await expect
    .poll(() => scene.statuses().then((all) => [all.get('START') ?? 0, all.get('unreported')]), {
      timeout: 40_000,
    })
    .toEqual([0, 0])
  const ids = await scene.finished()
  const games = new Set(ids.map((id) => id.split('+')[0]))
  expect([...scene.started].filter((game) => !games.has(game))).toEqual([])
  expect(new Set(ids).size).toBe(games.size)
  expect((await scene.statuses()).get('COMPLETE')).toBe(games.size)
}

describe.skipIf(!hasRedis)('games of several server processes', () => {
  it.for([2, 4])(
    '%i processes, 100 bots: nothing is refused, and all is reported once',
    async (processes) => {
      await using scene = await SimulatorScene.open({ processes, players: 100, rounds: 4 })
      const { missing } = await scene.bots.done
      expect(missing).toEqual([])
      await adUp(scene)
      expect((await scene.finished()).length).toBe((await scene.statuses()).get('COMPLETE'))
      const summary = await scene.end()
      expect(summary).toMatchObject({ code: 130, died: 0, refusals: 0, forfeits: 0, errors: 0 })
      expect(summary.complete).toBe(summary.started)
    },
  )

  it('a server process and bots are killed with SIGKILL: each game still has its record', async () => {
    await using scene = await SimulatorScene.open({ processes: 2, players: 100, rounds: 6 })
    await scene.games(40)
    process.kill(await scene.pid('w1'), 'SIGKILL')
    await scene.games(80)
    for (const { pid } of scene.bots.processes.slice(0, 2)) process.kill(pid, 'SIGKILL')
    await scene.games(120)
    process.kill(await scene.pid('w2'), 'SIGKILL')
    const { missing } = await scene.bots.done
    expect(missing.every(({ why }) => why === 'SIGKILL')).toBe(true)
    await adUp(scene)
    expect(await scene.end()).toMatchObject({ code: 130, died: 2 })
  })

  it('Redis dies and comes back: the servers say so, and all games go on', async () => {
    await using scene = await SimulatorScene.open({ processes: 2, players: 100, rounds: 6 })
    await scene.games(40)
    await scene.redis.kill()
    await expect.poll(() => scene.said, patient).toMatch(/the state in Redis is out of reach/)
    await scene.redis.restart()
    const { missing } = await scene.bots.done
    expect(missing).toEqual([])
    expect(scene.said).toMatch(/the state in Redis is there again/)
    await adUp(scene)
    const summary = await scene.end()
    expect(summary).toMatchObject({ code: 130, died: 0, errors: 0 })
    // Hardly anybody is left without a turn: one whose coming to the lobby was not answered.
    expect(summary.forfeits).toBeLessThan(5)
  })

  it('a server is frozen, taken for dead, and comes back: each game still has its record', async () => {
    await using scene = await SimulatorScene.open({ processes: 2, players: 60, rounds: 10 })
    await scene.games(40)
    const pid = await scene.pid('w1')
    process.kill(pid, 'SIGSTOP')
    // Its players are taken for gone after the lease.
    await expect.poll(() => scene.servers(), { timeout: 20_000 }).toBe(1)
    process.kill(pid, 'SIGCONT')
    await expect.poll(() => scene.servers(), { timeout: 20_000 }).toBe(2)
    await scene.bots.done
    await adUp(scene)
    expect(await scene.end()).toMatchObject({ code: 130, died: 0 })
  })

  it('Redis comes back without memory: the players begin anew, and the servers say what is gone', async () => {
    await using scene = await SimulatorScene.open({
      ...{ processes: 2, players: 60, rounds: 8, profile: 'default' },
    })
    await scene.games(40)
    await scene.redis.kill()
    await scene.redis.restart()
    const { missing } = await scene.bots.done
    expect(missing).toEqual([])
    expect(scene.said).toMatch(/games that ran here and are not in the state any more: \d+/)
    const { code, started, complete } = await scene.end()
    expect(code).toBe(130)
    expect(Number(started)).toBeGreaterThan(Number(complete))
    expect([...(await scene.statuses())]).not.toContainEqual(['START', expect.any(Number)])
    const ids = await scene.finished()
    expect(ids.length).toBe(Number(complete))
  })

  it('all servers are killed with finished games that no backend has: those are not lost', async () => {
    await using scene = await SimulatorScene.open({ processes: 2, players: 40, rounds: 3 })
    {
      using _held = scene.holdStore()
      await scene.games(25)
      const waiting = (await scene.statuses()).get('unreported')
      expect(waiting).toBeGreaterThan(10)
      for (const name of ['w1', 'w2']) process.kill(await scene.pid(name), 'SIGKILL')
      await expect.poll(() => scene.said, { timeout: 20_000 }).toMatch(/w2 started anew/)
    }
    await scene.bots.done
    await adUp(scene)
    const { rescued } = await scene.end()
    expect(rescued).toBeGreaterThan(10)
  })

  it('a server that dies while Redis is away is started when it is back', async () => {
    await using scene = await SimulatorScene.open({ processes: 2, players: 40, rounds: 6 })
    await scene.games(20)
    await scene.redis.kill()
    process.kill(await scene.pid('w1'), 'SIGKILL')
    await expect.poll(() => scene.said, { timeout: 20_000 }).toMatch(/w1 cannot start yet/)
    await scene.redis.restart()
    await scene.bots.done
    await adUp(scene)
    await expect.poll(() => scene.servers(), { timeout: 20_000 }).toBe(2)
    expect(await scene.end()).toMatchObject({ code: 130, died: 1 })
  })
})
