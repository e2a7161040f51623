import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { cliWorld, type Running, type World } from './cliRun.ts'

const oneGame = ['--games', '1', '--players', '2', '--processes', '1']
const spoolOf = (world: World) => join(world.folder, '.narrowcast/spool')

/** Nobody can write to the store from the first record on that is in it. */
async function heldStore(world: World): Promise<Disposable> {
  const place = join(world.folder, '.narrowcast/store/store.db')
  const db = new DatabaseSync(place, { timeout: 10_000 })
  const count = db.prepare('SELECT count(*) AS count FROM log')
  await expect.poll(() => count.get()?.count, { timeout: 30_000 }).not.toBe(0)
  db.exec('begin immediate')
  return {
    [Symbol.dispose]() {
      db.exec('rollback')
      db.close()
    },
  }
}

async function finishedGames(world: World): Promise<string[]> {
  const all = await world.lines('tail', 'lib.server.lobby', '--last', '100', '--until', 'end')
  return all.flatMap(({ data, id }) =>
    (data as { log_message: string }).log_message === 'Cleaning Game Records' ? [String(id)] : [],
  )
}

/** The last line of stdout. */
async function saidBy(running: Running): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await running.ended
  const last = stdout.trim().split('\n').at(-1) ?? ''
  return { ...(JSON.parse(last) as object), code, stderr }
}

async function server(world: World) {
  const running = world.start(['sim', 'server', '--port', '0', '--json'])
  const url = await running.shows(/"url":"(ws:[^"]*)"/)
  return {
    url,
    stop() {
      running.child.kill('SIGINT')
      return saidBy(running)
    },
  }
}

/** One game that is played in a store that is held from its first record on. */
async function heldGame(world: World): Promise<Record<string, unknown>> {
  await world.json('channels', 'create', 'lib.server.lobby', '--pattern', 'queue')
  // So slow that the store is held before the first hit.
  const running = world.start(['sim', 'run', ...oneGame, '--turn', '500ms', '--json'])
  using _held = await heldStore(world)
  return await saidBy(running)
}

function childrenOf(pid: number): number[] {
  const all = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
  return all.split('\n').flatMap((line) => {
    const [child, parent, ...args] = line.trim().split(/\s+/)
    return Number(parent) === pid && args.join(' ').includes('botProcess') ? [Number(child)] : []
  })
}

describe('a finished game that the store does not take', () => {
  it('is kept on disk by sim run, which says so, and sent by the next one', async () => {
    using world = cliWorld()
    const said = await heldGame(world)
    expect(said).toMatchObject({ type: 'sim.run', games: 1, kept: 1 })
    expect(said.stderr).toMatch(/1 records are kept in \.narrowcast\/spool\/sim-\S+ for the next/)
    expect(said.code).toBe(1) // the hits are no games, and are lost
    expect(await finishedGames(world)).toEqual([])
    expect(await world.json('sim', 'run', ...oneGame)).toMatchObject({ dropped: 0, kept: 0 })
    const ids = await finishedGames(world)
    expect([ids.length, new Set(ids).size]).toEqual([2, 2])
  })

  it('is kept on disk by sim server, and sent by the next one', async () => {
    using world = cliWorld()
    const first = await server(world)
    await world.json('sim', 'bots', first.url, ...oneGame)
    await expect.poll(() => finishedGames(world), { timeout: 30_000 }).toHaveLength(1)
    {
      using _held = await heldStore(world)
      await world.json('sim', 'bots', first.url, ...oneGame)
      expect(await first.stop()).toMatchObject({ code: 130, complete: 2, kept: 1 })
    }
    const next = await server(world)
    expect(await next.stop()).toMatchObject({ records: 1, dropped: 0, kept: 0 })
    expect(await finishedGames(world)).toHaveLength(2)
  })

  it('is counted as lost, and told, where there is no place to keep it either', async () => {
    using world = cliWorld()
    await world.json('channels', 'create', 'other', '--pattern', 'queue')
    rmSync(spoolOf(world), { recursive: true, force: true })
    writeFileSync(spoolOf(world), 'no folder')
    const said = await heldGame(world)
    expect(said).toMatchObject({ games: 1, kept: 0, code: 1 })
    expect(said.dropped).toBeGreaterThan(0)
    expect(said.stderr).toContain('1 of them marked keep')
  })
})

it('sim run ends in 3 when players went missing', async () => {
  using world = cliWorld()
  const args = ['--games', '5', '--players', '4', '--processes', '2', '--turn', '300ms']
  const running = world.start(['sim', 'run', ...args, '--json'])
  const bots = () => childrenOf(running.child.pid as number)
  await expect.poll(() => bots().length, { timeout: 30_000 }).toBe(2)
  process.kill(bots()[0] as number, 'SIGKILL')
  const said = await saidBy(running)
  expect(said).toMatchObject({ dropped: 0, kept: 0, code: 3 })
  expect(said.missing).not.toEqual([])
})
