import type { Page, PageQuery, Stored } from '../../../core/admin.ts'
import type { Place } from '../../../core/message.ts'
import { redisError } from '../redisErrors.ts'
import { readMessage } from './element.ts'
import { valuesMax } from './pageScript.ts'
import type { Queue } from './queue.ts'
import { type Placed, type Section, sectionsOf } from './sections.ts'

interface Looking {
  readonly queue: Queue
  /** Reader → worker. */
  readonly workers: Map<string, string | null>
  readonly nowMs: number
}

/** What is not settled, in the order of `sectionsOf`; exact as long as nothing moves. */
export async function peek(
  queue: Queue,
  query: PageQuery & { from: Place },
): Promise<Page<Stored>> {
  const { cursor, limit, newestFirst, from } = query
  const { channel } = queue.layout
  if (from !== 'first' && from !== 'end') {
    const text = `queue "${channel}" is a list: its messages have no positions to begin at`
    throw redisError('UNSUPPORTED', 'peek', text, { channel, hint: 'Begin at the first.' })
  }
  if (from === 'end') return { items: [], cursor: null }
  const start = cursor === null ? null : placeOf(channel, cursor)
  const looking = await lookingAt(queue)
  const sections = await sectionsOf(queue)
  if (newestFirst) sections.reverse()
  const isBefore = ({ rank }: Section) =>
    start !== null && (newestFirst ? rank > start.rank : rank < start.rank)
  const items: Stored[] = []
  for (const section of sections) {
    if (isBefore(section)) continue
    const size = await section.size()
    let offset = section.rank === start?.rank ? start.offset : 0
    while (offset < size) {
      if (items.length === limit) return { items, cursor: `${offset} ${section.rank}` }
      const count = Math.min(limit - items.length, size - offset)
      const some = await section.read(offset, count, newestFirst)
      if (some.length === 0) break
      for (const placed of some) items.push(await shown(looking, placed))
      offset += some.length
    }
  }
  return { items, cursor: null }
}

export async function messageOf(queue: Queue, id: string): Promise<Stored | null> {
  const placed = await find(queue, id)
  return placed && (await shown(await lookingAt(queue), placed))
}

/** Looks at all there is, in steps. */
export async function find(queue: Queue, id: string): Promise<Placed | null> {
  if (id === '') return null // many have none yet: it would be any of them
  for (const section of await sectionsOf(queue)) {
    for (let offset = 0; ; ) {
      const some = await section.read(offset, valuesMax, false)
      if (some.length === 0) break
      const found = some.find(
        ({ value, tag }) =>
          readMessage(queue.layout.channel, value, tag, Number.NaN).message.id === id,
      )
      if (found) return found
      offset += some.length
    }
  }
  return null
}

async function lookingAt(queue: Queue): Promise<Looking> {
  const [seconds, micros] = await queue.home.send<[string, string]>(['TIME'], 'peek')
  const nowMs = Number(seconds) * 1_000 + Number(micros) / 1_000
  return { queue, workers: new Map(), nowMs }
}

async function shown({ queue, workers, nowMs }: Looking, placed: Placed): Promise<Stored> {
  const { value, tag, section, dueMs } = placed
  const { message, redrives } = readMessage(queue.layout.channel, value, tag, Number.NaN)
  const isHeld = section.where === 'held' || section.where === 'gone'
  const { failures, crashes } = value
  const worker = section.where === 'held' ? await workerOf(queue, workers, section.reader) : null
  return {
    message,
    state: isHeld ? 'in-flight' : dueMs > nowMs ? 'scheduled' : 'waiting',
    ...(worker === null ? {} : { worker }),
    failures,
    crashes,
    redrives,
  }
}

async function workerOf(
  { home, layout }: Queue,
  workers: Looking['workers'],
  reader: string,
): Promise<string | null> {
  const known = workers.get(reader)
  if (known !== undefined) return known
  const command = ['HGET', layout.reader(reader), 'worker']
  const found = await home.send<string | null>(command, 'peek')
  workers.set(reader, found)
  return found
}

function placeOf(channel: string, cursor: string): { offset: number; rank: string } {
  const found = /^(\d{1,15}) (.+)$/.exec(cursor)
  if (found) return { offset: Number(found[1]), rank: found[2] as string }
  const text = `page cursor ${JSON.stringify(cursor)} is not one that a page gave`
  throw redisError('INVALID_ARGUMENT', 'page', text, { channel })
}
