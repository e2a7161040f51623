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

  it('brings players of several calls together, each under a name of its own', async () => {
    using world = cliWorld()
    const server = world.start(['sim', 'server', '--port', '0', '--json'])
    const url = await server.shows(/"url":"(ws:[^"]*)"/)
    const join = (...words: string[]) =>
      world.json('sim', 'bots', url, '--players', '1', '--games', '3', ...words)
    const both = await Promise.all([join('--name', 'ada'), join('--name', 'bob')])
    expect(both).toMatchObject([
      { players: 1, played: 3, skipped: 0, missing: [] },
      { players: 1, played: 3, skipped: 0, missing: [] },
    ])
    const { games, played, ...rest } = await world.json(
      ...['sim', 'bots', url, '--players', '4', '--games', '5', '--processes', '1'],
    )
    const { stdout: line } = await world.run(['sim', 'bots', url, '--players', '2', '--games', '2'])
    expect(line).toMatch(/^2 players, 2 games, \d+ hits in /)
    server.child.kill('SIGINT')
    const { stdout } = await server.ended
    expect([Number(played) >= 2 * Number(games), rest.players]).toEqual([true, 4])
    expect(stdout).toContain(`"complete":${5 + Number(games)},`)
    const said = await world.run(['sim', 'run', '--players', '1'])
    expect([said.code, said.stderr]).toEqual([2, expect.stringContaining('from 2 to 10000')])
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
