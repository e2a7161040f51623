import { expect, it } from 'vitest'
import { cliWorld, ndjson } from './cliRun.ts'

it('waits for what a killed process holds, though more than that waited', async () => {
  using world = cliWorld()
  const url = ['-u', 'file:./.narrowcast/store?lease=4s']
  await world.run(['publish', 'jobs', '--ndjson', ...url], { input: ndjson(20_000) })
  const held = ['--exec', 'echo begun; sleep 60', '--concurrency', '50']
  const other = world.start(['work', 'jobs', ...held, ...url])
  const pid = Number(await other.shows(/started w1 pid (\d+)/))
  await other.shows('begun')
  // Stopped, it cannot give back what it holds when it sees that its command is gone.
  process.kill(pid, 'SIGSTOP')
  other.child.kill('SIGKILL')
  process.kill(pid, 'SIGKILL')
  await other.ended
  const args = ['ingest', 'jobs', '--roll', '5000', '--workers', '2', '--until', 'end', ...url]
  const { code, stderr, stdout } = await world.run(args)
  expect([code, stdout + stderr]).toEqual([0, expect.stringContaining('acked 20,000')])
  expect(await world.json('channels', 'show', 'jobs')).toMatchObject({
    ...{ waiting: 0, in_flight: 0, out: 20_000 },
  })
})
