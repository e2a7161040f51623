import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cliWorld, ndjson, type World } from './cliRun.ts'

const source = resolve(import.meta.dirname, '../../src')

/** A pipeline that prints a line per message, and what it printed is what nobody reads. */
function pipelineThatPrints(world: World): void {
  const text = `
import { z } from '${import.meta.resolve('zod')}'
import { definePipeline, defineTable } from '${source}/pipelines/index.ts'
const T = defineTable({ name: 'T', key: ['n'], schema: z.object({ n: z.int() }) })
export default definePipeline({
  name: 'printing', channel: { name: 'jobs', pattern: 'queue' },
  input: z.object({ n: z.int() }), tables: [T],
  transform({ n }, { emit }) {
    console.log('seen', n)
    console.error('seen', n)
    emit(T, { n })
  },
})
`
  writeFileSync(join(world.folder, 'printing.mts'), text)
}

describe.skipIf(process.platform === 'win32')('ingest whose output nobody reads any more', () => {
  it.for([
    ['jobs', []],
    ['jobs', ['--json', '--workers', '2']],
    ['./printing.mts', []],
    ['./printing.mts', ['--workers', '2']],
  ] as const)('lands or leaves every message, and ends: %s %j', async ([what, more]) => {
    using world = cliWorld()
    pipelineThatPrints(world)
    await world.run(['publish', 'jobs', '--ndjson'], { input: ndjson(2_000) })
    const args = ['ingest', what, '--to', 'ndjson', '--roll', '10s,1MB,100', ...more]
    const ingest = world.start([...args, '--until', 'end'])
    ingest.child.stdout?.destroy()
    const { code, stderr } = await ingest.ended
    expect([code, stderr]).toEqual([0, expect.not.stringMatching(/^error|died|EPIPE/m)])
    // It may end before any worker has made a lake.
    const lake = await world.run(['ingest', 'verify', '--json'])
    const { messages } = lake.code === 0 ? JSON.parse(lake.stdout) : { messages: 0 }
    const { waiting, in_flight, dead } = await world.json('channels', 'show', 'jobs')
    expect([Number(messages) + Number(waiting), in_flight, dead]).toEqual([2_000, 0, 0])
    const first = await world.json('messages', 'ls', 'jobs', '--limit', '1', '--from', 'first')
    for (const item of first.items as unknown[])
      expect(item).toMatchObject({ attempt: 1, crashes: 0 })
  })
})
