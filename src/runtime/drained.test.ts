import { expect, test } from 'vitest'
import { controlChannel } from '../core/channel.ts'
import { memory } from '../drivers/memory/index.ts'
import type { Drained } from './api.ts'
import { createBus } from './bus.ts'

const nothing: Drained = { settled: 0, released: 0, abandoned: 0 }

test.for(['queue', 'broadcast'] as const)(
  'of a %s, once: when the program drains',
  async (pattern) => {
    await using bus = await createBus(memory())
    const told: Drained[] = []
    const worker = bus[pattern]('jobs').subscribe(() => undefined)
    worker.on('drained', (what) => told.push(what))
    await worker.ready()
    expect(told).toEqual([])
    await Promise.all([worker.drain(), worker.drain()])
    expect(told).toEqual([nothing])
  },
)

test.for(['queue', 'broadcast'] as const)(
  'of a %s, when another process names it on narrowcast.control',
  async (pattern) => {
    const store = memory()
    await using bus = await createBus(store, { control: true })
    await using other = await createBus(store)
    const worker = bus[pattern]('jobs').subscribe(() => undefined)
    const beside = bus[pattern]('jobs').subscribe(() => undefined)
    const told = new Promise((resolve) => worker.on('drained', resolve))
    await Promise.all([worker.ready(), beside.ready()])
    const order = { v: 1, type: 'control', verb: 'drain', worker: worker.worker.id }
    const { receivers } = await other.broadcast(controlChannel).publish(order)
    expect([receivers, await told]).toEqual([1, nothing])
    expect([worker.isReady, beside.isReady]).toEqual([false, true])
  },
)
