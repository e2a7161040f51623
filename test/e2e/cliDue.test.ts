import { expect, it } from 'vitest'
import { cliWorld, ndjson } from './cliRun.ts'

it('a message is scheduled until it is due, then it waits, as the counts say', async () => {
  using world = cliWorld()
  await world.run(['publish', 'q', '1', '--id', 'late', '--delay', '1h'])
  await world.run(['publish', 'q', '2', '--id', 'soon', '--delay', '1ms'])
  await expect
    .poll(async () => {
      const { items } = await world.json('messages', 'ls', 'q')
      return Object.fromEntries(
        (items as { id: string; state: string }[]).map((i) => [i.id, i.state]),
      )
    })
    .toEqual({ late: 'scheduled', soon: 'waiting' })
  expect(await world.json('messages', 'show', 'q', 'soon')).toMatchObject({ state: 'waiting' })
  expect(await world.json('channels', 'show', 'q')).toMatchObject({ waiting: 1, scheduled: 1 })
})

it('what is delayed is told wherever counts are, however long a name is', async () => {
  using world = cliWorld()
  const name = 'a.channel.with.a.rather.long.name'
  await world.run(['publish', name, '1', '--delay', '1h'])
  await world.run(['publish', 's', '1', '--pattern', 'stream'])
  await world.run(['work', 's', '--exec', 'true', '--group', 'mail', '--until', 'end'])
  for (const [width, more] of [
    ['40', ['channels', 'ls']],
    ['40', ['stats', '--over', '1ms']],
    ['80', ['channels', 'ls']],
    ['80', ['stats', name, '--over', '1ms']],
  ] as const) {
    const { stdout } = await world.run([...more, '--width', width])
    expect(stdout).toMatch(/^CHANNEL.* DELAYED/)
  }
  const { stdout } = await world.run(['channels', 'ls', 's', '--width', '40'])
  expect(stdout).not.toContain('DELAYED')
  expect((await world.run(['groups', 'ls', 's'])).stderr).toBe('')
  await world.run(['publish', 's', '2', '--delay', '1h'])
  for (const look of [
    ['groups', 'ls', 's'],
    ['groups', 'show', 's', 'mail'],
  ]) {
    expect((await world.run(look)).stderr).toBe('delayed 1 in s, part of the lag\n')
  }
})

it('what a killed worker held waits when its lease is over, though nobody takes it back', async () => {
  using world = cliWorld()
  await world.run(['publish', 'q', '--ndjson'], { input: ndjson(3) })
  const url = 'file:./.narrowcast/store?lease=4s'
  const worker = world.start(['work', 'q', '--exec', 'echo began >&2; sleep 60', '-u', url])
  await worker.shows('began')
  expect(await world.json('channels', 'show', 'q')).toMatchObject({ waiting: 2, in_flight: 1 })
  worker.child.kill('SIGKILL')
  await worker.ended
  await expect
    .poll(() => world.json('channels', 'show', 'q'), { timeout: 20_000 })
    .toMatchObject({ waiting: 3, in_flight: 0, stored: 3, oldest_ms: expect.any(Number) })
  const { items } = await world.json('messages', 'ls', 'q')
  expect(items).toEqual(Array(3).fill(expect.objectContaining({ state: 'waiting', worker: null })))
})
