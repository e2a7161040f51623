import { expect, it } from 'vitest'
import { cliWorld } from './cliRun.ts'

it('names the dead letters as the next step, where there are some', async () => {
  using world = cliWorld()
  await world.run(['publish', 'jobs', '1'])
  const dead = await world.run(['work', 'jobs', '--exec', 'exit 65', '--until', 'end'])
  expect([dead.code, dead.stderr]).toEqual([0, expect.stringContaining('narrowcast dead ls jobs')])
  const url = ['-u', 'file:./other']
  await world.run(['publish', 'jobs', '1', ...url])
  const other = await world.run(['work', 'jobs', '--exec', 'exit 65', '--until', 'end', ...url])
  expect(other.stderr).toMatch(/narrowcast dead ls -u \S*file:.\/other\S* jobs/)
  await world.run(['publish', 'jobs', '2'])
  const acked = await world.run(['work', 'jobs', '--exec', 'true', '--until', 'end'])
  expect(acked.stderr).not.toContain('dead ls')
})

it('says that --exec and --module exclude each other', async () => {
  using world = cliWorld()
  const both = await world.run(['work', 'jobs', '--exec', 'cat', '--module', 'x.mjs'])
  expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('not both')])
  const none = await world.run(['work', 'jobs'])
  expect([none.code, none.stderr]).toEqual([2, expect.not.stringContaining('not both')])
})
