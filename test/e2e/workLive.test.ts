import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cliWorld, ndjson, type Running, type World } from './cliRun.ts'

const published = 3_000
/** What waits unread at most: `holdMax`. */
const holdMax = 1_000

/** A worker on the broadcast "news" that holds its first message until the file "go" is there. */
async function heldWorker(world: World, ...more: string[]): Promise<Running> {
  const path = join(world.folder, 'handler.mjs')
  writeFileSync(
    path,
    `import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
export default async ({ n }) => {
  if (n === 0) console.error('holds the first')
  while (!existsSync('go')) await setTimeout(10)
}
`,
  )
  const worker = world.start(['work', 'news', '--pattern', 'broadcast', '--module', path, ...more])
  for (;;) {
    const { code, stdout } = await world.run(['pub', 'news', '{"n":0}', ...broadcast, '--json'])
    if (code === 0 && (JSON.parse(stdout) as { receivers: number }).receivers === 1) break
  }
  // What it has not taken yet would wait as well.
  await worker.shows('holds the first')
  await world.run(['pub', 'news', '--ndjson', ...broadcast], { input: ndjson(published) })
  return worker
}

const broadcast = ['--pattern', 'broadcast']
const lines = (text: string, of: RegExp) => text.split('\n').filter((line) => of.test(line))

test('what a slow handler misses is told while it works, and in the end', async () => {
  using world = cliWorld()
  const worker = await heldWorker(world, '--json')
  writeFileSync(join(world.folder, 'go'), '')
  await worker.shows(/missed 2,000 messages: overflow/)
  worker.child.kill('SIGINT')
  const { stdout, stderr } = await worker.ended
  expect(lines(stderr, /missed .*overflow/)).toHaveLength(1)
  expect(lines(stderr, /^done in .* {3}missed 2,000 {3}/)).toHaveLength(1)
  const summary = JSON.parse(stdout.trim().split('\n').at(-1) as string)
  expect(summary).toMatchObject({ type: 'work.summary', acked: holdMax + 1, missed: 2_000 })
  expect(summary).toMatchObject({ missed_unknown: false, abandoned: 0 })
})

test('what a drain finds unbegun is told in one line, and as lost', async () => {
  using world = cliWorld()
  const worker = await heldWorker(world)
  worker.child.kill('SIGINT')
  const { stderr } = await worker.ended
  expect(lines(stderr, /^error /)).toEqual([
    expect.stringMatching(/^error 1,000 messages not begun: the drain of "news" was over before$/),
  ])
  expect(lines(stderr, /^done in .* {3}not ended 1,001: they are lost {3}/)).toHaveLength(1)
  expect(stderr).not.toContain('again after the lease')
})

test('what a worker that was killed held is told as lost', async () => {
  using world = cliWorld()
  const worker = await heldWorker(world)
  process.kill(Number(await worker.shows(/started w1 pid (\d+)/)), 'SIGKILL')
  await worker.shows(/w1 pid \d+ died \(SIGKILL\); what it held is lost/)
  await worker.shows('w1 started anew')
})
