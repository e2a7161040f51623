import { randomName } from '../../../core/ids.ts'
import type { Place } from '../../../core/message.ts'
import type { AmqpMessage } from '../client.ts'
import { type Confirming, toQueue } from '../confirming.ts'
import type { Connection } from '../connection.ts'
import { againOf } from '../copies.ts'
import { archiveName, fillingName, fillingOptions, type Home, queueOptions } from '../layout.ts'
import type { Locks } from '../lock.ts'
import { rabbitmqError } from '../rabbitmqErrors.ts'
import type { Topology } from '../topology.ts'
import { beginsAt } from './begins.ts'
import { readLog } from './log.ts'
import type { Notes } from './notes.ts'

export interface GroupsOptions {
  readonly connection: Connection
  readonly confirming: Confirming
  readonly topology: Topology
  readonly locks: Locks
  readonly notes: Notes
}

/** Of what is written into an archive to see where it ends; no group is given it. */
const markType = 'narrowcast.mark'

/** Each group of a stream has a queue, which is given all that is published while it is there. */
export class Groups {
  readonly #of: GroupsOptions

  constructor(options: GroupsOptions) {
    this.#of = options
  }

  /**
   * Makes the queue of a group where there is none, with what the archive has from that place on.
   * What is published meanwhile may be in it twice, and is never missing.
   * @throws NOT_FOUND for an id that the archive does not have, UNSUPPORTED for a position, CONFLICT
   */
  async opened(home: Home, from: Place, signal: AbortSignal): Promise<void> {
    const { locks, topology } = this.#of
    await locks.with(home.queue, 'source', signal, async () => {
      const isThere = await topology.isQueue(home.queue)
      const isFilling = await topology.isQueue(fillingName(home.queue))
      if (!isThere || isFilling) await this.#make(home, from, signal, isThere)
      else await topology.bind(home.queue, home.channel)
    })
  }

  /** `isLeft`: somebody died who was at it. Nobody has read of it yet. */
  async #make(home: Home, from: Place, signal: AbortSignal, isLeft: boolean): Promise<void> {
    const { topology, notes } = this.#of
    const begins = beginsAt(home, from)
    const filling = fillingName(home.queue)
    if (isLeft) await topology.remove(home.queue)
    await topology.queue(filling, fillingOptions)
    const other = await topology.queue(home.queue, queueOptions(home))
    if (other !== null) throw new Error(`a queue that was just removed is there: ${other.found}`)
    try {
      if (from === 'end') await topology.bind(home.queue, home.channel)
      else await this.#fill(home, begins, signal)
    } catch (error) {
      await topology.remove(home.queue).catch(() => {}) // else who comes next removes it
      await topology.remove(filling).catch(() => {})
      throw error
    }
    await notes.add(home.channel, { group: home.group as string }, signal)
    await topology.remove(filling)
  }

  async #fill(home: Home, begins: ReturnType<typeof beginsAt>, signal: AbortSignal) {
    const { connection, topology } = this.#of
    const archive = archiveName(home.channel)
    let mark = await this.#mark(archive, signal)
    let isBound = false
    for await (const batch of readLog(connection, archive, 'first', signal)) {
      await this.#copy(home, begins.picked(batch.filter(isMessage)), signal)
      if (!batch.some(({ properties }) => properties.messageId === mark)) continue
      begins.checkFound()
      if (isBound) return
      await topology.bind(home.queue, home.channel)
      isBound = true
      mark = await this.#mark(archive, signal)
    }
  }

  /** All that was confirmed before lies before it. */
  async #mark(archive: string, signal: AbortSignal): Promise<string> {
    const messageId = `${markType}-${randomName(16)}`
    const frame = { content: Buffer.alloc(0), properties: { messageId, type: markType } }
    await this.#store([{ ...frame, ...toQueue(archive), delayMs: 0 }], signal)
    return messageId
  }

  async #copy({ queue }: Home, batch: readonly AmqpMessage[], signal: AbortSignal): Promise<void> {
    const copies = batch.map((raw) => ({ ...againOf(raw), ...toQueue(queue), delayMs: 0 }))
    if (copies.length > 0) await this.#store(copies, signal)
  }

  async #store(batch: Parameters<Confirming['send']>[0], signal: AbortSignal): Promise<void> {
    const said = await this.#of.confirming.send(batch, signal)
    signal.throwIfAborted()
    const other = said.find((one) => one !== 'stored')
    if (other === undefined) return
    throw rabbitmqError(
      'UNAVAILABLE',
      'source',
      `a message for a new group was not stored (${other})`,
    )
  }
}

const isMessage = ({ properties }: AmqpMessage) => properties.type !== markType
