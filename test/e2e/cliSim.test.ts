import { describe, expect, it } from 'vitest'
import { cliWorld } from './cliRun.ts'

describe('sim', () => {
  it('plays over sockets and in memory, and its records arrive', async () => {
    using world = cliWorld()
    const played = await world.json(
      'sim',
      'run',
      '--games',
      '3',
      '--players',
      '4',
      '--processes',
      '2',
    )
    expect(played).toMatchObject({ type: 'sim.run', missing: [], dropped: 0 })
    expect(Number(played.games)).toBeGreaterThanOrEqual(3)
    expect(await world.json('sim', 'run', '--engine', '--games', '500')).toMatchObject({
      ...{ games: 500, records: 500 },
    })
    const { in: total } = await world.json('channels', 'show', 'lib.server.lobby')
    expect(Number(total)).toBeGreaterThan(500)
    expect((await world.json('sim', 'heroes')).items).toHaveLength(132)
  })

  it('serves until it is told to stop', async () => {
    using world = cliWorld()
    const server = world.start(['sim', 'server', '--port', '0', '--json'])
    await server.shows('"url":"ws://127.0.0.1:')
    server.child.kill('SIGINT')
    const { code, stdout } = await server.ended
    expect(code).toBe(130)
    expect(JSON.parse(stdout.trim().split('\n').at(-1) as string)).toMatchObject({
      type: 'sim.server.summary',
    })
  })
})
