import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connect } from '../../src/index.ts'
import { cliWorld, type World } from './cliRun.ts'

/** The default is half a second longer than an idle process says nothing: a pause makes it too short. */
const long = ['--for', '8s'] as const

/** Two subscriptions of this very process; one holds a message. */
async function working(world: World) {
  const bus = await connect(`file:${join(world.folder, '.narrowcast/store')}`)
  const held = Promise.withResolvers<void>()
  const handler = (what: string) => (what === 'held' ? held.promise : undefined)
  const queue = bus.queue<string>('jobs')
  const stream = bus.stream<string>('events')
  const workers = [
    queue.subscribe(handler, { name: 'hands' }),
    stream.subscribe(() => undefined, { name: 'ears', group: 'mail' }),
  ]
  await Promise.all(workers.map((worker) => worker.ready()))
  for (const what of ['a', 'b', 'held']) await queue.publish(what, { id: `id-${what}` })
  await stream.publish('x')
  return {
    ids: workers.map(({ worker }) => worker.id),
    async [Symbol.asyncDispose]() {
      held.resolve()
      await bus.close()
    },
  }
}

test('workers are listed with what they do, and one is shown with what it has in hand', async () => {
  using world = cliWorld()
  await using scene = await working(world)
  const [hands, ears] = scene.ids as [string, string]
  const { items } = (await world.json('workers', 'ls', ...long)) as {
    items: Record<string, unknown>[]
  }
  expect(items.map(({ worker }) => worker)).toEqual([ears, hands])
  expect(items[0]).toMatchObject({ channel: 'events', group: 'mail', state: 'idle', acked: 1 })
  expect(items[1]).toMatchObject({
    ...{ channel: 'jobs', group: null, state: 'busy', acked: 2, in_flight: 1, pid: process.pid },
    in_hand: [{ id: 'id-held', for_ms: expect.any(Number) }],
  })
  const { stdout } = await world.run(['workers', 'ls', ...long])
  expect(stdout).toMatch(/^ears +events +mail +idle/m)
  expect(stdout).toMatch(/^hands +jobs +- +busy +1, id-held for /m)

  const shown = await world.run(['workers', 'show', 'han', ...long])
  expect(shown.stdout).toContain(`${hands}  `)
  expect(shown.stdout).toMatch(/id-held {2}for /)
  const wrong = await world.run(['workers', 'show', 'nobody', ...long])
  expect(wrong.code).toBe(4)
  expect(wrong.stderr).toContain('Heard were: ears, hands')
})

test('Prometheus is told of channels, groups and workers', async () => {
  using world = cliWorld()
  await using scene = await working(world)
  const { stdout } = await world.run(['stats', '--prometheus', ...long])
  const lines = stdout.split('\n')
  expect(lines).toContain('narrowcast_in_flight{channel="jobs",pattern="queue"} 1')
  expect(lines).toContain('narrowcast_group_lag{channel="events",pattern="stream",group="mail"} 0')
  const acked = lines.find((line) => line.startsWith('narrowcast_worker_acked_total'))
  expect(acked).toContain('channel="events"')
  expect(lines.filter((line) => line.includes(`worker="${scene.ids[0]}"`)).length).toBeGreaterThan(
    9,
  )
  const quick = await world.run(['stats', '--prometheus', '--for', '0s'])
  expect(quick.stdout).toContain('narrowcast_in_flight')
  expect(quick.stdout).not.toContain('narrowcast_worker')
})

test('where nobody tells anything, it says what to do', async () => {
  using world = cliWorld()
  await world.run(['publish', 'jobs', '1'])
  const { code, stdout, stderr } = await world.run(['workers', 'ls', '--for', '200ms'])
  expect([code, stdout]).toEqual([0, ''])
  expect(stderr).toContain('no workers seen')
  expect(stderr).toContain('One that has nothing to do tells every 5.0 s: leave out --for')
  expect(stderr).not.toContain('Start one')
  const long = await world.run(['workers', 'ls', '--for', '5s'])
  expect(long.stderr).toContain('Start one: narrowcast work')
  const absent = await world.run(['workers', 'show', 'w', '--for', '200ms'])
  expect(absent.code).toBe(4)
  expect(absent.stderr).toContain('No other was either. Start one: narrowcast work')
  const names = (await world.lines('channels', 'ls', '-o', 'ndjson')).map(({ channel }) => channel)
  expect(names).toEqual(['jobs'])
})

test('what a pipeline has landed is told beside its worker', async () => {
  using world = cliWorld()
  await world.run(['publish', 'jobs', '--ndjson'], { input: '{"n":1}\n{"n":2}\n' })
  const ingest = world.start(['ingest', 'jobs', '--to', 'ndjson', '--roll', '100ms'])
  await ingest.shows(/commit 1/)
  const shown = (await world.json('workers', 'show', 'w1', ...long)) as { tables: unknown }
  expect(shown.tables).toEqual([{ table: 'messages', rows: 2 }])
  ingest.child.kill('SIGINT')
  await ingest.ended
})
