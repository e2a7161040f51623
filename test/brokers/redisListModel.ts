import assert from 'node:assert/strict'
import type { ChannelSpec, Ordering, ReaderSpec } from '../../src/core/channel.ts'
import type { Session, Source } from '../../src/core/driver.ts'
import { randomName } from '../../src/core/ids.ts'
import type { Delivery, OutgoingMessage, Settlement } from '../../src/core/message.ts'

export const leaseMs = 200

interface Known {
  readonly id: string
  readonly key: string | null
  readonly n: number
  failures: number
  isEnded: boolean
}

interface Owner {
  readonly source: Source
  readonly reader: string
  /** Id of the message → its delivery. */
  readonly held: Map<string, Delivery>
  /** Monotonic: it owns what it holds until then at least. */
  untilMs: number
  isDead: boolean
}

/** What of a queue must hold whatever happens: each message ends once, and has one owner at a time. */
export class Model {
  readonly #session: Session
  readonly #channel: ChannelSpec
  readonly #order: Ordering
  readonly #known = new Map<string, Known>()
  readonly owners: Owner[] = []
  #published = 0

  constructor(session: Session, channel: ChannelSpec, order: Ordering) {
    this.#session = session
    this.#channel = channel
    this.#order = order
  }

  get unended(): number {
    return [...this.#known.values()].filter(({ isEnded }) => !isEnded).length
  }

  messages(count: number, keys: number, delayMs: number): OutgoingMessage[] {
    return Array.from({ length: count }, () => {
      const n = ++this.#published
      const key = keys === 0 || n % 5 === 0 ? null : `k${n % keys}`
      const id = `m${n}`
      this.#known.set(id, { id, key, n, failures: 0, isEnded: false })
      const rest = { headers: {}, redrives: 0, dedupeId: null, type: 't', source: 's' }
      return { ...rest, id, key, delayMs, timeMs: 1_700_000_000_000, body: String(n) }
    })
  }

  async open(): Promise<Owner> {
    const reader = `reader-${randomName()}`
    const spec: ReaderSpec = {
      reader,
      worker: { id: `worker-${reader}`, incarnation: 'one' },
      group: null,
      holding: [],
      hold: { messages: 100, bytes: 1_000_000 },
      leaseMs,
      charge: this.#published % 2 === 0 ? 'taken' : 'marked',
      from: 'first',
      order: this.#order,
    }
    const startMs = performance.now()
    const held = new Map<string, Delivery>()
    const lost = (tokens: readonly { serial: number }[] | 'all') => {
      assert.notEqual(tokens, 'all')
      const serials = new Set(tokens === 'all' ? [] : tokens.map(({ serial }) => serial))
      for (const [id, { token }] of held) if (serials.has(token.serial)) held.delete(id)
    }
    const never = new AbortController().signal
    const source = await this.#session.source(this.#channel, spec, { lost }, never)
    const owner = { source, reader, held, untilMs: startMs + leaseMs, isDead: false }
    this.owners.push(owner)
    return owner
  }

  async receive(owner: Owner, messages: number, waitMs: number): Promise<void> {
    const signal = AbortSignal.timeout(waitMs)
    for (const delivery of await owner.source.receive({ messages, bytes: 1_000_000 }, signal)) {
      owner.untilMs = Math.max(owner.untilMs, delivery.ownedUntilMs)
      // What an aborted call had taken may come too late: whoever gets it sees that, and leaves it.
      if (owner.untilMs > performance.now()) this.#came(owner, delivery)
    }
  }

  async renew(owner: Owner): Promise<void> {
    const startMs = performance.now()
    const begun = [...owner.held.values()].at(-1)?.token ?? null
    await owner.source.renew(begun, new AbortController().signal)
    owner.untilMs = startMs + leaseMs
  }

  async settle(owner: Owner, batch: readonly Settlement[]): Promise<void> {
    const outcomes = await owner.source.settle(batch, new AbortController().signal)
    batch.forEach((settlement, at) => {
      const { serial } = settlement.token
      const [id] = [...owner.held].find(([, { token }]) => token.serial === serial) ?? []
      if (id === undefined) {
        assert.equal(outcomes[at], 'late')
        return
      }
      owner.held.delete(id)
      if (outcomes[at] === 'late') return
      const known = this.#known.get(id) as Known
      assert.equal(known.isEnded, false, `${id} ended twice`)
      if (settlement.kind === 'retry') known.failures++
      if (settlement.kind === 'ack' || settlement.kind === 'dead') known.isEnded = true
    })
  }

  #came(owner: Owner, delivery: Delivery): void {
    const nowMs = performance.now()
    const { id } = delivery.message
    const known = this.#known.get(id)
    assert.ok(known, `${id} was never published`)
    assert.equal(known.isEnded, false, `${id} came after its end`)
    assert.equal(delivery.failures, known.failures, `failures of ${id}`)
    for (const other of this.owners) {
      const isOwned = other.untilMs > nowMs
      if (other !== owner && other.held.has(id)) {
        assert.ok(!isOwned, `${id} has two owners`)
        other.held.delete(id)
      }
      if (this.#order === 'none' || known.key === null || !isOwned) continue
      for (const mine of other.held.keys()) {
        assert.notEqual(this.#known.get(mine)?.key, known.key, `${id} beside ${mine}`)
      }
    }
    if (this.#order === 'block' && known.key !== null) this.#checkFirst(known)
    owner.held.set(id, delivery)
  }

  #checkFirst({ id, key, n }: Known): void {
    for (const other of this.#known.values()) {
      const isBefore = !other.isEnded && other.key === key && other.n < n
      assert.ok(!isBefore, `${id} came before ${other.id}`)
    }
  }
}
