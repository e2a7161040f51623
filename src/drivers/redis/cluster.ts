import { NarrowcastError } from '../../core/errors.ts'
import type { Address } from '../_shared/serverPlace.ts'
import { placeOf } from './connectClient.ts'
import { type Argument, Connection, type MessageListener } from './connection.ts'
import { follow } from './follow.ts'
import { redisError } from './redisErrors.ts'
import { checkPrimary } from './serverFacts.ts'
import type { Home, Opening, Servers, Told } from './servers.ts'
import { type Redirect, readSlots, redirectOf, type SlotTable, slotOf } from './slots.ts'

/** Nobody waits longer for a node that is asked what it says of itself. */
const factsMsMax = 1_000

/**
 * The nodes of a cluster, each connected to when it is needed. Losing one ends the session: what
 * was opened from it is opened anew where the slots are then.
 */
export class Cluster implements Servers {
  readonly #opening: Opening
  readonly #nodes = new Map<string, Promise<Connection>>()
  /** Channel of messages → who listens to it, and the node that it is heard from. */
  readonly #heard = new Map<string, Map<MessageListener, string>>()
  #slots: SlotTable

  private constructor(opening: Opening, slots: SlotTable) {
    this.#opening = opening
    this.#slots = slots
  }

  /** Takes over the connection to any of its nodes. */
  static async open(opening: Opening, first: Connection): Promise<Cluster> {
    const slots = await slotsOf(first)
    const cluster = new Cluster(opening, slots)
    const place = placeOf(first.address)
    const isPrimary = slots.primaries.some((one) => placeOf(one) === place)
    if (isPrimary) cluster.#nodes.set(place, Promise.resolve(first))
    else first.close()
    return cluster
  }

  home(channel: string): Home {
    const slot = slotOf(channel)
    return {
      isCluster: true,
      database: 0,
      ended: this.#opening.over.signal,
      facts: async () => (await this.#nodeOf(slot)).facts,
      send: (args, operation, as) =>
        this.#call(slot, {
          send: (node) => node.send(args, operation, as),
          ask: (node) => node.sendAsking(args, operation, as),
        }),
      run: (script, keys, args, operation, as) => {
        const all: Argument[] = ['EVAL', script.text, String(keys.length), ...keys, ...args]
        return this.#call(slot, {
          send: (node) => node.run(script, keys, args, operation, as),
          ask: (node) => node.sendAsking(all, operation, as),
        })
      },
      subscribe: (name, listener, isCounted) => this.#subscribe(slot, name, listener, isCounted),
      unsubscribe: async (name, listener) => {
        const heard = this.#heard.get(name)
        heard?.delete(listener)
        if (heard?.size === 0) this.#heard.delete(name)
        await (await this.#nodeOf(slot)).unsubscribe(name, listener, true)
      },
      lose: (error) => this.#opening.lost(error),
    }
  }

  async primaries(): Promise<readonly Connection[]> {
    return await Promise.all(this.#slots.primaries.map((one) => this.#node(one)))
  }

  async facts(): Promise<readonly Told[]> {
    const asked = this.#slots.primaries.map((one) => this.#toldBy(one))
    const told = await Promise.allSettled(asked)
    return told.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  }

  /** One that is not needed yet is left again: its loss is to end no session. */
  async #toldBy(address: Address): Promise<Told> {
    const node = this.#nodes.get(placeOf(address))
    if (node) return await node
    const { options, signal } = this.#opening
    const limit = AbortSignal.any([signal, AbortSignal.timeout(factsMsMax)])
    const asked = await Connection.open(address, options, () => {}, limit)
    asked.close()
    return asked
  }

  close(): void {
    for (const node of this.#nodes.values()) {
      node.then(
        (connection) => connection.close(),
        () => {}, // told to whoever wanted it
      )
    }
    this.#nodes.clear()
  }

  async #subscribe(
    slot: number,
    channel: string,
    listener: MessageListener,
    isCounted?: boolean,
  ): Promise<void> {
    const subscribed = async (node: Connection) => {
      await node.subscribe(channel, listener, true, isCounted)
      const heard = this.#heard.get(channel) ?? new Map<MessageListener, string>()
      this.#heard.set(channel, heard.set(listener, placeOf(node.address)))
    }
    await this.#call(slot, { send: subscribed, ask: subscribed })
  }

  /** A redirected command was not carried out: it is sent again, once. */
  async #call<T>(slot: number, { send, ask }: Call<T>): Promise<T> {
    const node = await this.#nodeOf(slot)
    try {
      return await send(node)
    } catch (error) {
      const redirect = redirected(error, node)
      if (redirect === null) throw error
      if (redirect.kind === 'ASK') return await ask(await this.#node(redirect.address))
      await this.#readAnew(await this.#node(redirect.address))
      return await send(await this.#nodeOf(slot))
    }
  }

  async #nodeOf(slot: number): Promise<Connection> {
    const known = this.#addressOf(slot)
    const open = this.#nodes.get(placeOf(known))
    if (open !== undefined) return await open
    let isFirst = true
    const where = async () => {
      if (!isFirst) await this.#readElsewhere(known)
      isFirst = false
      return this.#addressOf(slot)
    }
    return await follow(where, (address) => this.#node(address), this.#opening.over.signal)
  }

  #addressOf(slot: number): Address {
    const address = this.#slots.at(slot)
    if (address) return address
    const text = `slot ${slot} is served by no node`
    const hint = 'Slots are missing: look at CLUSTER INFO and CLUSTER NODES.'
    throw redisError('UNAVAILABLE', 'connect', text, { hint })
  }

  async #node(address: Address): Promise<Connection> {
    const { over } = this.#opening
    if (over.signal.aborted) throw over.signal.reason
    const place = placeOf(address)
    const node = this.#nodes.get(place) ?? this.#opening.connect(address).then(checkedPrimary)
    this.#nodes.set(place, node)
    try {
      return await node
    } catch (error) {
      if (this.#nodes.get(place) === node) this.#nodes.delete(place)
      throw error
    }
  }

  /** Asks any node that is connected, but not the one that is away. */
  async #readElsewhere(away: Address): Promise<void> {
    for (const [place, node] of this.#nodes) {
      if (place === placeOf(away)) continue
      const connection = await node.catch(() => null) // its own caller is told
      if (connection) return await this.#readAnew(connection)
    }
    const others = this.#slots.primaries.filter((one) => placeOf(one) !== placeOf(away))
    for (const address of others) {
      const connection = await this.#node(address).catch(() => null) // the next one may be there
      if (connection) return await this.#readAnew(connection)
    }
  }

  async #readAnew(node: Connection): Promise<void> {
    this.#slots = await slotsOf(node)
    for (const [channel, heard] of this.#heard) {
      const now = this.#slots.at(slotOf(channel))
      const place = [...heard.values()].find((one) => now === undefined || placeOf(now) !== one)
      if (place === undefined) continue
      const text = `the slot of "${channel}" has moved away from ${place}`
      return this.#opening.lost(redisError('CONNECTION_LOST', 'connection', text))
    }
  }
}

interface Call<T> {
  readonly send: (node: Connection) => Promise<T>
  readonly ask: (node: Connection) => Promise<T>
}

async function slotsOf(node: Connection): Promise<SlotTable> {
  return readSlots(await node.send(['CLUSTER', 'SLOTS'], 'connect'), node.address)
}

function redirected(error: unknown, { address }: Connection): Redirect | null {
  if (!(error instanceof NarrowcastError) || !(error.cause instanceof Error)) return null
  return redirectOf(error.cause.message, address)
}

function checkedPrimary(node: Connection): Connection {
  try {
    checkPrimary(node.address, node.facts)
    return node
  } catch (error) {
    node.close()
    throw error
  }
}
