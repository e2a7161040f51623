import { expect, test } from 'vitest'
import { memory } from '../drivers/memory/index.ts'
import type { Bus, Channel, ChannelOptions } from './api.ts'
import { createBus } from './bus.ts'
import { channelConflict } from './channelConflict.ts'

const window = (windowMs: number): ChannelOptions => ({ dedupe: { on: 'publish', windowMs } })

test.for<[string, (bus: Bus) => Channel, (bus: Bus) => Channel, string]>([
  [
    'another window',
    (bus) => bus.queue('orders', window(600_000)),
    (bus) => bus.queue('orders', window(5_000)),
    "Ask for the window it has: dedupe: { on: 'publish', windowMs: 600000 }, or --dedupe 600000ms",
  ],
  [
    'a window where there is none',
    (bus) => bus.queue('orders'),
    (bus) => bus.queue('orders', window(5_000)),
    'It has no dedupe on publish: leave dedupe (--dedupe) out.',
  ],
  [
    'another limit',
    (bus) => bus.stream('orders', { retention: { messages: 9 } }),
    (bus) => bus.stream('orders', { retention: { messages: 5 } }),
    'Ask for the limit it has: retention: { messages: 9 }',
  ],
  [
    'a limit where there is none',
    (bus) => bus.stream('orders'),
    (bus) => bus.stream('orders', { retention: { ageMs: 5_000 } }),
    'It has no such limit: leave retention.ageMs out.',
  ],
  [
    'another pattern',
    (bus) => bus.queue('orders'),
    (bus) => bus.stream('orders'),
    'Open it as what it is: bus.queue(…), or --pattern queue',
  ],
])('%s: what it has comes first, removing second', async ([, make, differ, first]) => {
  const driver = memory()
  await using one = await createBus(driver)
  await using other = await createBus(driver)
  await make(one).opened()
  await expect(differ(other).opened()).rejects.toMatchObject({
    code: 'CONFLICT',
    hint: `${first}\nOr remove it with its messages: narrowcast channels rm orders`,
  })
})

test('a number with its unit is read as one', () => {
  const what = [{ name: 'dedupeWindowMs', wanted: '5000 ms', found: '600000 ms' }]
  expect(channelConflict('file', 'orders', what).hint).toContain('windowMs: 600000 }')
})

test.for([
  ['pattern', 'queue', 'exchange of type fanout'],
  ['x-queue-type', 'quorum', 'classic'],
])(
  'what another program has made is no option of ours: %s',
  ([name = '', wanted = '', found = '']) => {
    const { hint } = channelConflict('stub', 'orders', [{ name, wanted, found }])
    expect(hint).toMatch(/^Another program has made it so: use another name for the channel\.\n/)
  },
)
