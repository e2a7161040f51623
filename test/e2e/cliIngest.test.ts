import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { connect } from '../../src/index.ts'
import { cliWorld, ndjson } from './cliRun.ts'

describe('ingest', () => {
  it('lands every message once, says so per commit, and verifies it', async () => {
    using world = cliWorld()
    await world.run(['publish', 'games', '--ndjson'], { input: ndjson(500) })
    const events = await world.lines(
      'ingest',
      'games',
      '--dir',
      'lake',
      '--until',
      'end',
      '--workers',
      '2',
    )
    const commits = events.filter(({ type }) => type === 'ingest.commit')
    const sum = commits.reduce((total, { messages }) => total + Number(messages), 0)
    expect(sum).toBe(500)
    expect(events.at(-1)).toMatchObject({
      ...{ type: 'ingest.summary', messages: 500, rows: { messages: 500 }, acked: 500, dead: 0 },
    })
    expect(await world.json('ingest', 'verify', '--dir', 'lake')).toMatchObject({
      ...{ clean: true, messages: 500, rows: { messages: 500 }, orphans: [] },
    })
    const folder = join(world.folder, 'lake/messages')
    const [day = ''] = readdirSync(folder)
    writeFileSync(join(folder, day, 'part-foreign.parquet'), 'x')
    expect(await world.run(['ingest', 'verify', '--dir', 'lake'])).toMatchObject({
      ...{ code: 8, stdout: expect.stringContaining('orphan') },
    })
    expect((await world.run(['ingest', 'verify', '--dir', 'nowhere'])).code).toBe(4)
  })

  it('comes to its end though a worker is killed, at its start too', async () => {
    using world = cliWorld()
    await world.run(['publish', 'games', '--ndjson'], { input: ndjson(2_000) })
    // Else it may have come to its end before it is killed.
    await world.run(['channels', 'pause', 'games'])
    const ingest = world.start(['ingest', 'games', '--dir', 'lake', '--until', 'end', '--json'])
    const pid = Number(await ingest.shows(/"worker":"w1","pid":(\d+)/))
    process.kill(pid, 'SIGKILL')
    await world.run(['channels', 'resume', 'games'])
    const { code, stderr } = await ingest.ended
    expect([code, stderr]).toEqual([0, expect.stringContaining(`w1 pid ${pid} died (SIGKILL)`)])
    expect(await world.json('ingest', 'verify', '--dir', 'lake')).toMatchObject({
      ...{ clean: true, messages: 2_000 },
    })
  })

  it('lands a copy for each worker of a broadcast, and waits for no end of it', async () => {
    using world = cliWorld()
    const news = ['ingest', 'news', '--pattern', 'broadcast']
    expect(await world.run([...news, '--until', 'end'])).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining('keeps nothing, so it has no end') },
    })
    const crew = ['--workers', '2', '--roll', '100ms']
    const ingest = world.start([...news, ...crew, '--dir', 'lake', '--json'])
    await using bus = await connect(`file:${join(world.folder, '.narrowcast/store')}`)
    let copies = 0
    const reach = async () => {
      const { receivers = 0 } = await bus.broadcast('news').publish({ n: 1 })
      copies += receivers
      return receivers
    }
    await expect.poll(reach, { timeout: 30_000 }).toBe(2)
    await ingest.shows(/(?:"ingest.commit"[\s\S]*){2}/)
    ingest.child.kill('SIGINT')
    const { stdout } = await ingest.ended
    const last = JSON.parse(stdout.trim().split('\n').at(-1) as string)
    expect(last).toMatchObject({ type: 'ingest.summary', messages: copies, acked: copies })
  })

  it('runs the pipeline of a file, and tries it without writing', async () => {
    using world = cliWorld()
    await world.run(['publish', 'orders', '--ndjson'], { input: `${ndjson(3)}{"n":"x"}\n` })
    const path = join(world.folder, 'orders.mts')
    const root = new URL('../../src/pipelines/index.ts', import.meta.url).href
    writeFileSync(
      path,
      `import { definePipeline, defineTable } from ${JSON.stringify(root)}
import * as z from ${JSON.stringify(import.meta.resolve('zod'))}
const ORDERS = defineTable({ name: 'ORDERS', key: ['n'], schema: z.object({ n: z.int().min(0).max(255) }) })
export const orders = definePipeline({
  name: 'orders', channel: { name: 'orders' }, input: z.object({ n: z.int() }), tables: [ORDERS],
  transform({ n }, { emit }) { emit(ORDERS, { n }) },
})
`,
    )
    const tried = await world.run(['ingest', 'check', path, '--json'])
    expect(JSON.parse(tried.stdout)).toMatchObject({
      ...{ type: 'ingest.check', messages: 4, rows: { ORDERS: 3 }, dead: 1 },
    })
    expect([tried.code, existsSync(join(world.folder, 'lake'))]).toEqual([2, false])
    const landed = await world.lines(
      'ingest',
      path,
      '--dir',
      'lake',
      '--to',
      'ndjson',
      '--until',
      'end',
    )
    expect(landed.at(-1)).toMatchObject({ messages: 3, dead: 1, rows: { ORDERS: 3 } })

    const verify = ['ingest', 'verify', '--dir', 'lake']
    expect(await world.json(...verify)).toMatchObject({ clean: true, dead: 1, taken: [] })
    const dead = join(world.folder, 'lake/_dead')
    const letters = readdirSync(dead, { recursive: true, encoding: 'utf8' })
    const taken = letters.filter((name) => name.endsWith('.ndjson')).map((name) => `_dead/${name}`)
    expect(taken).toHaveLength(1)
    rmSync(dead, { recursive: true })
    expect(await world.json(...verify)).toMatchObject({ clean: true, dead: 1, taken })
    const { code, stdout } = await world.run(verify)
    expect([code, stdout]).toEqual([0, expect.stringContaining(`taken        ${taken[0]}`)])
  })

  it('refuses wrong options before it takes anything', async () => {
    using world = cliWorld()
    await world.run(['publish', 'games', '1'])
    for (const args of [
      ['ingest', 'games', '--layout', 'per-file'],
      ['ingest', 'games', '--exclusive', 'key'],
      ['ingest', 'games', '--roll', '30'.concat('x')],
      ['ingest', 'games', '--roll', '1s,2s'],
      ['ingest', 'games', '--layout', 'per-key', '--preset', 'nosuch'],
      ['ingest', 'games', '--to', 'csv'],
    ]) {
      expect((await world.run(args)).code, args.join(' ')).toBe(2)
    }
    expect((await world.run(['ingest', './nowhere.mts'])).code).toBe(4)
    expect(await world.json('channels', 'show', 'games')).toMatchObject({ waiting: 1 })
  })
})
