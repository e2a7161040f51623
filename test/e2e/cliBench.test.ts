import { expect, it } from 'vitest'
import { cliWorld, type World } from './cliRun.ts'

const quick = ['bench', '--for', '200ms', '--p99', '1ms'] as const

async function channels(world: World): Promise<unknown> {
  return (await world.json('channels', 'ls')).items
}

it.for(['queue', 'stream', 'broadcast', 'narrowcast'])(
  'bench measures a %s, says what it came to, and leaves nothing behind',
  async (pattern) => {
    using world = cliWorld()
    const { code, stdout, stderr } = await world.run([...quick, '--pattern', pattern, '--json'])
    expect([code, stderr]).toEqual([0, expect.stringContaining('keeps up with')])
    const found = JSON.parse(stdout) as { items: Record<string, unknown>[] }
    expect(found).toMatchObject({ pattern, bytes: 300, for_ms: 200, p99_max_ms: 1 })
    expect(found.items[0]).toMatchObject({ offered_per_s: 250, refused: 0, not_arrived: 0 })
    expect(found.items.at(-1)).toMatchObject({ kept_up: false })
    expect(await channels(world)).toEqual([])
  },
)

it('bench takes its channel away on Ctrl-C too', async () => {
  using world = cliWorld()
  const running = world.start(['bench', '--for', '60s'])
  await running.shows('one process publishes')
  await expect.poll(() => channels(world).catch(() => []), { timeout: 30_000 }).toHaveLength(1)
  running.child.kill('SIGINT')
  const { code, stdout, stderr } = await running.ended
  expect([code, stdout, stderr]).toEqual([130, '', expect.stringContaining('stopped before')])
  expect(await channels(world)).toEqual([])
})

it.for([
  [['bench', 'memory:'], 6, 'ends with one process'],
  [['bench', '--for', '1ms'], 2, '--for: expected at least 100ms'],
  [['bench', '--size', '1B'], 2, '--size: expected at least 64B'],
  [['bench', '--rate', '0'], 2, '--rate'],
  [['bench', 'file:./a', '-u', 'file:./b'], 2, 'given twice'],
] as const)('%j exits %i', async ([words, exit, text]) => {
  using world = cliWorld()
  const { code, stdout, stderr } = await world.run(words)
  expect([code, stdout, stderr]).toEqual([exit, '', expect.stringContaining(text)])
})
