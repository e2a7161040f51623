import { expect, it } from 'vitest'
import { cliWorld } from './cliRun.ts'

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
