import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { cliWorld, ndjson, type World } from './cliRun.ts'

/** A pipeline that lands nothing before the file `go` is there. */
function gatedPipeline(world: World): string {
  const path = join(world.folder, 'gated.mts')
  const root = new URL('../../src/pipelines/index.ts', import.meta.url).href
  writeFileSync(
    path,
    `import { existsSync } from 'node:fs'
import { definePipeline, defineTable } from ${JSON.stringify(root)}
import * as z from ${JSON.stringify(import.meta.resolve('zod'))}
const NUMBERS = defineTable({ name: 'NUMBERS', key: ['n'], schema: z.object({ n: z.int() }), columns: { n: 'int64' } })
export const numbers = definePipeline({
  name: 'numbers', channel: { name: 'numbers' }, tables: [NUMBERS],
  async load() {
    while (!existsSync(${JSON.stringify(join(world.folder, 'go'))})) await new Promise((done) => setTimeout(done, 50))
  },
  transform({ n }: { n: number }, { emit }) { emit(NUMBERS, { n }) },
})
`,
  )
  return path
}

it('holds no more than two rolls in each worker, so that workers share', async () => {
  using world = cliWorld()
  await world.run(['publish', 'numbers', '--ndjson'], { input: ndjson(1_000) })
  const path = gatedPipeline(world)
  const ingest = world.start([
    'ingest',
    path,
    '--dir',
    'lake',
    '--roll',
    '100',
    '--workers',
    '2',
    '--until',
    'end',
    '--json',
  ])
  const inFlight = async () => (await world.json('channels', 'show', 'numbers')).in_flight
  await expect.poll(inFlight, { timeout: 40_000 }).toBe(400)
  writeFileSync(join(world.folder, 'go'), '')
  const { code, stdout } = await ingest.ended
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const commits = events.filter(({ type }) => type === 'ingest.commit')
  expect(commits.every(({ messages }) => messages <= 100)).toBe(true)
  expect(new Set(commits.map(({ worker }) => worker))).toEqual(new Set(['w1', 'w2']))
  expect([code, events.at(-1)]).toMatchObject([0, { messages: 1_000, acked: 1_000 }])
})
