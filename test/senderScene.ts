import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type ErrorCode, NarrowcastError } from '../src/core/errors.ts'
import { type VirtualClock, virtualClock } from '../src/testing/virtualClock.ts'
import { BoundedSender } from '../src/transports/sender/boundedSender.ts'
import type { RecordMessage } from '../src/transports/record.ts'
import type { Sendable } from '../src/transports/sender/sendBatch.ts'
import type { SenderOptions } from '../src/transports/sender/options.ts'

/** Removed after the test. */
export function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'narrowcast-sender-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

export function message(n: number, more: Partial<RecordMessage> = {}): RecordMessage {
  const id = `m${n}`
  return {
    id,
    channel: 'logs',
    key: null,
    timeMs: n,
    data: { n },
    bytes: 100,
    keep: false,
    ...more,
  }
}

/** A channel that answers as the test says, after `waitMs` of the clock. */
function fakeChannel(clock: VirtualClock) {
  const stored: string[] = []
  const batches: number[] = []
  let answer: () => ErrorCode | 'reject' | null = () => null
  let waitMs = 0
  const channel: Sendable = {
    async publishMany(batch) {
      batches.push(batch.length)
      if (waitMs > 0) await clock.sleep(waitMs, new AbortController().signal)
      if (answer() === 'reject') throw new NarrowcastError('CONNECTION_LOST', 'cut')
      return batch.map(({ options }) => {
        const code = answer()
        if (code !== null && code !== 'reject') return new NarrowcastError(code, 'as told')
        stored.push(options?.id ?? 'none')
        return { id: options?.id ?? 'none', duplicate: false }
      })
    },
  }
  return {
    channel,
    stored,
    batches,
    answers(next: () => ErrorCode | 'reject' | null) {
      answer = next
    },
    takes(ms: number) {
      waitMs = ms
    },
  }
}

export function setUp(options: Partial<SenderOptions> = {}) {
  const clock = virtualClock()
  const fake = fakeChannel(clock)
  const said: string[] = []
  const lost: { id: string; reason: string }[] = []
  const sender = new BoundedSender({
    clock,
    channelFor: () => fake.channel,
    notice: (line) => said.push(line),
    onDropped: ({ id }, reason) => lost.push({ id, reason }),
    random: () => 1,
    ...options,
  })
  return { clock, fake, said, lost, sender }
}

export function balance(sender: BoundedSender): number {
  const { accepted, acked, dropped, spilled, queued, onTheWay } = sender.stats
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
  return accepted - (acked + lost + spilled + queued + onTheWay)
}
