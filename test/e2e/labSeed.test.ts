import { expect, it } from 'vitest'
import { cliWorld } from './cliRun.ts'

it('seed fills channels, the first far more than the last, the same for the same seed', async () => {
  using world = cliWorld()
  const words = ['lab', 'seed', '--channels', '12', '--messages', '600'] as const
  const seeded = await world.json(...words)
  expect(seeded).toMatchObject({ type: 'lab.seed', channels: 12, messages: 600 })
  const { items } = await world.json('channels', 'ls')
  const channels = items as { channel: string; pattern: string; in: number }[]
  expect(channels.map(({ pattern }) => pattern).filter((one) => one === 'stream')).toHaveLength(1)
  const counts = channels.map((one) => one.in)
  expect(counts.reduce((sum, one) => sum + one, 0)).toBe(600)
  expect(counts[0]).toBeGreaterThan(4 * (counts.at(-1) as number))
  await world.run([...words, '-u', 'file:./other'])
  const again = await world.json('channels', 'ls', '-u', 'file:./other')
  expect((again.items as typeof channels).map((one) => one.in)).toEqual(counts)
  await world.run([...words, '-u', 'file:./third', '--seed', '8'])
  const third = await world.json('channels', 'ls', '-u', 'file:./third')
  expect((third.items as typeof channels).map((one) => one.in)).not.toEqual(counts)
})

it.for([
  [['--pattern', 'broadcast'], 2, 'keeps no messages'],
  [['--channels', '0'], 2, '--channels: expected a whole number from 1'],
  [['-u', 'memory:'], 6, 'ends with one process'],
] as const)('seed %j exits %i', async ([words, exit, text]) => {
  using world = cliWorld()
  const { code, stdout, stderr } = await world.run(['lab', 'seed', ...words])
  expect([code, stdout, stderr]).toEqual([exit, '', expect.stringContaining(text)])
})
