import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { lake, messagesPipeline, runPipeline } from '../../src/pipelines/index.ts'
import type { Bus } from '../../src/runtime/api.ts'
import { channelName, missing, ourBus, theirs } from './rabbitmqForeign.ts'

const skipped = missing === null ? '' : ` (skipped: ${missing})`

/** The only dead letter of a queue. */
async function letterOf(bus: Bus, name: string) {
  const queue = { name, pattern: 'queue' } as const
  const query = { cursor: null, limit: 10, newestFirst: false }
  const letters = async () => (await bus.admin.deadLetters(queue, null, query)).items
  await expect.poll(async () => (await letters()).length, { timeout: 10_000 }).toBe(1)
  const [found] = await letters()
  const { letter, message, ref } = found ?? expect.unreachable()
  const redrive = () => bus.admin.redrive(queue, [ref], null)
  return { cause: letter.cause, reason: letter.reason, id: message.id, redrive }
}

describe.skipIf(missing)(`a message on rabbitmq whose producer has named no id${skipped}`, () => {
  test('is refused where ids are claimed, and worked on under the one it has when sent back', async () => {
    const name = channelName('claimed')
    const bus = await ourBus()
    const queue = bus.queue<number>(name, { dedupe: { on: 'consume', windowMs: 60_000 } })
    const seen: unknown[] = []
    await queue
      .subscribe((n, { message, ...said }) => void seen.push([n, message.id, said.idIsStable]))
      .ready()
    ;(await theirs()).sendToQueue(name, Buffer.from('1'))
    const { cause, reason, id, redrive } = await letterOf(bus, name)
    expect([cause, reason]).toEqual(['invalid', expect.stringContaining('named no id')])
    expect(seen).toEqual([])
    await redrive()
    await expect.poll(() => seen).toEqual([[1, id, undefined]])
  })

  test('is still so when it was given back', async () => {
    const name = channelName('released')
    const queue = (await ourBus()).queue<number>(name)
    await queue.opened()
    ;(await theirs()).sendToQueue(name, Buffer.from('1'))
    const deliveries = queue.deliveries()
    onTestFinished(() => deliveries.close())
    let times = 0
    for await (const delivery of deliveries) {
      expect(delivery.idIsStable).toBe(false)
      times++
      if (times === 3) break
      await delivery.settle({ kind: 'release' })
    }
  })

  test('is told to be so to who works on it without', async () => {
    const name = channelName('unclaimed')
    const seen: unknown[] = []
    const queue = (await ourBus()).queue<number>(name)
    await queue.subscribe((n, { idIsStable }) => void seen.push([n, idIsStable])).ready()
    const channel = await theirs()
    channel.sendToQueue(name, Buffer.from('1'))
    channel.sendToQueue(name, Buffer.from('2'), { messageId: 'two' })
    await expect
      .poll(() => seen)
      .toEqual([
        [1, false],
        [2, undefined],
      ])
  })

  test('never lands in a lake, beside those that do, but when it is sent back', async () => {
    const name = channelName('lake')
    const bus = await ourBus()
    const dir = await mkdtemp(join(tmpdir(), 'narrowcast-nameless-'))
    onTestFinished(() => rm(dir, { recursive: true }))
    const to = lake(dir, { ageMsMax: 50 })
    const run = await runPipeline(messagesPipeline({ name }), bus, { to })
    onTestFinished(() => run.drain())
    const refused: unknown[] = []
    run.on('dead', ({ cause, error }) => refused.push([cause, error.name]))
    const channel = await theirs()
    channel.sendToQueue(name, Buffer.from('1'))
    channel.sendToQueue(name, Buffer.from('2'), { messageId: 'two' })
    const { cause, reason, redrive } = await letterOf(bus, name)
    expect([cause, reason]).toEqual(['verdict', expect.stringContaining('NoStableId')])
    await expect.poll(() => run.stats()).toMatchObject({ landed: 1, dead: 1 })
    expect(refused).toEqual([['invalid', 'NoStableId']])
    await redrive()
    await expect.poll(() => run.stats(), { timeout: 10_000 }).toMatchObject({ landed: 2, dead: 1 })
  })
})
