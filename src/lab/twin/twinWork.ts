import type { Place } from '../actor/place.ts'
import { settlements } from '../evidence/record.ts'
import { decodeData } from '../identity.ts'
import type { Taken, TwinReader } from './twin.ts'

export interface TwinWork {
  readonly reader: TwinReader
  /** Of the run, in its messages. */
  readonly number: bigint
  readonly concurrency: number
  readonly handlerMs: number
  /** Fires when nothing more is to be taken; what is in hand is handled. */
  readonly over: AbortSignal
}

/** What is in hand is handled to its end. */
const unhurried = new AbortController().signal

/** Handles what comes, and writes down the same steps as a worker of narrowcast. */
export async function workAsTwin(work: TwinWork, place: Place): Promise<void> {
  const { reader, concurrency, over } = work
  const inHand = new Set<Promise<void>>()
  while (!over.aborted) {
    if (inHand.size >= concurrency) {
      await Promise.race(inHand)
      continue
    }
    for (const one of await reader.take(concurrency - inHand.size)) {
      const handled = handle(work, place, one).then(() => void inHand.delete(handled))
      inHand.add(handled)
    }
  }
  await Promise.all(inHand)
}

async function handle(
  { number, handlerMs }: TwinWork,
  place: Place,
  { message, settle }: Taken,
): Promise<void> {
  const data = decodeData(message, number)
  if (data === null) {
    place.write({ type: 'recv', count: 1 }, place.nowNs())
    return await settle()
  }
  const about = { message: data.identity, key: data.key }
  place.write({ type: 'recv', ...about, count: 1 }, place.nowNs())
  await place.clock.sleep(handlerMs, unhurried)
  place.write({ type: 'done', ...about }, place.nowNs())
  await settle()
  const flags = settlements.indexOf('ack')
  place.write({ type: 'settled', message: data.identity, flags }, place.nowNs())
}
