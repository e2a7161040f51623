import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cliWorld, ndjson, type World } from './cliRun.ts'

/** Kills its own process once. 2 is tried again once, 3 is dead. */
function handler(world: World): string {
  const path = join(world.folder, 'handler.mjs')
  writeFileSync(
    path,
    `import { existsSync, writeFileSync } from 'node:fs'
export default async ({ n }, { attempt }) => {
  if (n === 1 && !existsSync('killed')) {
    writeFileSync('killed', '')
    process.kill(process.pid, 'SIGKILL')
  }
  if (n === 2 && attempt === 1) throw new Error('again')
  if (n === 3) return { kind: 'dead', reason: 'three' }
}
`,
  )
  return path
}

const store = ['-u', 'file:./.narrowcast/store?lease=4s&backoff=10ms..20ms']

describe('the last line', () => {
  it.for([[[]], [['--json']]])('of work counts everything, with %j', async ([more]) => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '--ndjson'], { input: ndjson(5) })
    const args = ['work', 'jobs', '--module', handler(world), '--until', 'end', ...store]
    const { code, stdout, stderr } = await world.run([...args, ...(more as string[])])
    expect(code).toBe(0)
    if (more?.length === 0) {
      expect(stderr.trim().split('\n').at(-1)).toMatch(
        /^done in .+ {3}acked 4 {3}retried 1 {3}dead 1 .+ {3}workers died 1 {3}what those did last may not be counted {3}in all \d/,
      )
      return
    }
    expect(JSON.parse(stdout.trim().split('\n').at(-1) as string)).toMatchObject({
      ...{ type: 'work.summary', acked: 4, retried: 1, dead: 1, late: 0, died: 1, killed: 0 },
      ...{ waiting: 0, scheduled: 0, duration_ms: expect.any(Number) },
    })
  })

  it('of ingest counts everything', async () => {
    using world = cliWorld()
    await world.run(['publish', 'numbers', '--ndjson'], { input: ndjson(5) })
    const root = new URL('../../src/pipelines/index.ts', import.meta.url).href
    const zod = JSON.stringify(import.meta.resolve('zod'))
    writeFileSync(
      join(world.folder, 'numbers.mts'),
      `import { existsSync, writeFileSync } from 'node:fs'
import { definePipeline, defineTable } from ${JSON.stringify(root)}
import * as z from ${zod}
const N = defineTable({ name: 'N', key: ['n'], schema: z.object({ n: z.int() }), columns: { n: 'int64' } })
export default definePipeline({
  name: 'numbers', channel: { name: 'numbers' }, tables: [N],
  load({ n }: { n: number }) {
    if (n === 1 && !existsSync('killed')) {
      writeFileSync('killed', '')
      process.kill(process.pid, 'SIGKILL')
    }
    if (n === 2 && !existsSync('thrown')) {
      writeFileSync('thrown', '')
      throw new Error('again')
    }
  },
  transform({ n }, { emit, dead }) { return n === 3 ? dead('three') : emit(N, { n }) },
})
`,
    )
    const args = ['ingest', './numbers.mts', '--until', 'end', ...store]
    const first = await world.run([...args, '--json'])
    expect([
      first.code,
      JSON.parse(first.stdout.trim().split('\n').at(-1) as string),
    ]).toMatchObject([
      0,
      { messages: 4, retried: 1, dead: 1, died: 1, killed: 0, duration_ms: expect.any(Number) },
    ])
    const second = await world.run(args)
    expect(second.stdout.trim().split('\n').at(-1)).toMatch(/; acked 0; in all \d/)
  })
})

describe('--until end', () => {
  it.for([
    ['work', ['--exec', 'cat']],
    ['ingest', []],
  ] as const)(
    '%s does what is due, and leaves and tells what is delayed',
    async ([command, how]) => {
      using world = cliWorld()
      await world.run(['publish', 'jobs', '--ndjson'], { input: ndjson(3) })
      await world.run(['publish', 'jobs', '9', '--delay', '1h'])
      const { code, stderr } = await world.run([command, 'jobs', ...how, '--until', 'end'])
      expect([code, stderr]).toEqual([
        0,
        expect.stringContaining('1 delayed message not due yet: left'),
      ])
      expect(await world.json('channels', 'show', 'jobs')).toMatchObject({
        ...{ waiting: 0, in_flight: 0, scheduled: 1, out: 3 },
      })
    },
  )

  it.for([
    ['work', ['--exec', 'exit 75']],
    ['ingest', []],
  ] as const)('%s tells what it waits for, though others are delayed', async ([command, how]) => {
    using world = cliWorld()
    // The pauses are random: of ten, one is long.
    const url = ['-u', 'file:./.narrowcast/store?backoff=10m..10m']
    await world.run(['publish', 'jobs', '--ndjson', ...url], { input: ndjson(10) })
    await world.run(['publish', 'jobs', '9', '--delay', '1h', ...url])
    const source = command === 'ingest' ? failsAlways(world) : 'jobs'
    const running = world.start([command, source, ...how, '--until', 'end', ...url])
    await running.shows(/waiting for \d+ messages? to be tried again/)
    running.child.kill('SIGINT')
    expect((await running.ended).code).toBe(130)
    expect(await world.json('channels', 'show', 'jobs')).toMatchObject({
      ...{ stored: 11, out: 0, dead: 0 },
    })
  })

  it('tells that another process holds messages', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '1'])
    const other = world.start(['work', 'jobs', '--exec', 'echo begun; sleep 60'])
    await other.shows('begun')
    const work = world.start(['work', 'jobs', '--exec', 'cat', '--until', 'end'])
    await work.shows('waiting for 1 message in flight elsewhere')
    other.child.kill('SIGKILL')
    work.child.kill('SIGKILL')
    await Promise.all([other.ended, work.ended])
  })
})

function failsAlways(world: World): string {
  const root = new URL('../../src/pipelines/index.ts', import.meta.url).href
  writeFileSync(
    join(world.folder, 'jobs.mts'),
    `import { definePipeline, defineTable } from ${JSON.stringify(root)}
import * as z from ${JSON.stringify(import.meta.resolve('zod'))}
const N = defineTable({ name: 'N', key: ['n'], schema: z.object({ n: z.int() }), columns: { n: 'int64' } })
export default definePipeline({
  name: 'jobs', channel: { name: 'jobs' }, tables: [N],
  load() {
    throw new Error('again')
  },
  transform({ n }: { n: number }, { emit }) { emit(N, { n }) },
})
`,
  )
  return './jobs.mts'
}
