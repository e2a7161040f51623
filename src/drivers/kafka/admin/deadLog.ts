import { randomBytes } from 'node:crypto'
import type { DeadEntry } from '../../../core/admin.ts'
import type { DeadLetter } from '../../../core/message.ts'
import type { Cluster, Topic } from '../cluster/cluster.ts'
import { deadTopicOf } from '../layout.ts'
import { type Scanned, scan } from '../reading/begins.ts'
import { headerNames as names } from '../wire/headerNames.ts'
import { parsed, read, type StoredRecord } from '../wire/message.ts'

interface Known {
  readonly offset: number
  readonly group: string | null
}

/** Kafka may forget after a day that one was taken away: before that all is read anew. */
const knownMsMax = 12 * 3_600_000

/** Later ones are greater, as texts. */
export function newRef(): string {
  return `${Date.now().toString(36).padStart(9, '0')}-${randomBytes(6).toString('hex')}`
}

/**
 * The dead of one channel. Each lies under a key of its own, and one that is taken away under the same
 * key without a value: Kafka forgets both in time. What was read once is not read again: of each only its
 * place is kept.
 */
export class DeadLog {
  readonly #cluster: Cluster
  readonly #channel: string
  readonly #known = new Map<string, Known>()
  #topicId = ''
  #next = 0
  #sinceMs = 0
  #reading: Promise<Topic | null> | null = null

  constructor(cluster: Cluster, channel: string) {
    this.#cluster = cluster
    this.#channel = channel
  }

  /** Refs of a group, or of all, in the order in which they died. */
  async refs(group: string | null): Promise<string[]> {
    await this.#read()
    return [...this.#known].flatMap(([ref, one]) =>
      group === null || group === one.group ? [ref] : [],
    )
  }

  /** Those that are there. */
  async records(refs: readonly string[]): Promise<Map<string, StoredRecord>> {
    const topic = await this.#read()
    const wanted = new Map<number, string>()
    for (const ref of refs) {
      const known = this.#known.get(ref)
      if (known !== undefined) wanted.set(known.offset, ref)
    }
    const found = new Map<string, StoredRecord>()
    if (topic === null || wanted.size === 0) return found
    for await (const one of scan(this.#cluster, topic, 0, Math.min(...wanted.keys()))) {
      const ref = wanted.get(one.offset)
      if (ref === undefined) continue
      found.set(ref, { ...one, topic: topic.name, partition: 0 })
      if (found.size === wanted.size) break
    }
    return found
  }

  /** Only one look at a time: what came last is read on from where the last one was. */
  async #read(): Promise<Topic | null> {
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = null
    })
    return await this.#reading
  }

  async #readOn(): Promise<Topic | null> {
    const name = deadTopicOf(this.#channel)
    const topic = (await this.#cluster.topics([name])).get(name) ?? null
    const isOld = Date.now() - this.#sinceMs > knownMsMax
    if (topic?.id !== this.#topicId || isOld) {
      this.#known.clear()
      this.#next = 0
      this.#sinceMs = Date.now()
      this.#topicId = topic?.id ?? ''
    }
    if (topic === null) return null
    for await (const one of scan(this.#cluster, topic, 0, this.#next)) this.#note(one)
    return topic
  }

  #note({ offset, key, value, headers }: Scanned): void {
    this.#next = offset + 1
    const ref = key?.toString() ?? ''
    this.#known.delete(ref)
    if (value === null) return
    const letter = letterIn(headers)
    this.#known.set(ref, { offset, group: letter?.group ?? null })
  }
}

export function entryOf(ref: string, record: StoredRecord, channel: string): DeadEntry {
  const { message } = read(record, channel)
  const letter = letterIn(record.headers) ?? unknownLetter(channel, record.timestampMs)
  return { ref, message: { ...message, key: keyIn(record.headers)?.toString() ?? null }, letter }
}

/** That the message had, where the record has another. */
export function keyIn(headers: StoredRecord['headers']): Buffer | null {
  return headers.find(([name]) => name.toString() === names.key)?.[1] ?? null
}

function letterIn(headers: StoredRecord['headers']): DeadLetter | null {
  const said = headers.find(([name]) => name.toString() === names.letter)?.[1]
  const letter = parsed(said?.toString())
  return typeof letter === 'object' ? (letter as DeadLetter | null) : null
}

/** Another program has put it there. */
function unknownLetter(channel: string, diedMs: number): DeadLetter {
  return {
    ...{ cause: 'verdict', reason: 'unknown: another program has put it there', error: null },
    ...{ failures: 0, crashes: 'unknown', redrives: 0, firstFailedMs: null, diedMs },
    ...{ channel, group: null, worker: 'unknown' },
  }
}
