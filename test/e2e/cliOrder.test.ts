import { join } from 'node:path'
import { expect, it } from 'vitest'
import { connect } from '../../src/index.ts'
import { cliWorld } from './cliRun.ts'

it('shows the order of queues and groups', async () => {
  using world = cliWorld()
  const bus = await connect(`file:${join(world.folder, '.narrowcast/store')}`)
  const ordered = { order: 'key', onFailure: 'block' } as const
  const workers = [
    bus.queue('accounts', ordered).subscribe(() => undefined),
    bus.queue('orders').subscribe(() => undefined),
    bus.stream('events', { order: 'key' }).subscribe(() => undefined, { group: 'audit' }),
    bus.stream('feed').subscribe(() => undefined, { group: 'mail' }),
  ]
  for (const worker of workers) await worker.ready()
  await bus.close()

  const show = async (...words: string[]) => (await world.run(words)).stdout
  expect(await show('channels', 'show', 'accounts')).toMatch(
    /^accounts {2}queue .*order key \(block\)$/m,
  )
  expect(await world.json('channels', 'show', 'accounts')).toMatchObject({ order: 'block' })
  expect(await show('channels', 'show', 'orders')).not.toContain('order key')
  expect(await world.json('channels', 'show', 'orders')).toMatchObject({ order: 'none' })
  expect(await show('channels', 'show', 'events')).toContain(
    'group audit  lag 0  order key (skip)\n',
  )
  expect(await world.json('channels', 'show', 'events')).toMatchObject({
    order: null,
    groups: [{ group: 'audit', order: 'skip' }],
  })
  expect(await show('groups', 'ls', 'events')).toContain('key (skip)')
  expect(await world.json('groups', 'ls', 'events')).toMatchObject({ items: [{ order: 'skip' }] })
  expect(await show('groups', 'show', 'events', 'audit')).toContain(
    'audit  of events  order key (skip)\n',
  )
  expect(await show('groups', 'show', 'feed', 'mail')).toContain('mail  of feed\n')
  expect(await world.json('groups', 'show', 'feed', 'mail')).toMatchObject({ order: 'none' })
})
