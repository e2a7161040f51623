import type { WorkerRef } from '../../../core/channel.ts'
import type { NarrowcastError } from '../../../core/errors.ts'
import type { AmqpMessage } from '../client.ts'
import { type Address, type Addressed, type Confirmation, Confirming } from '../confirming.ts'
import type { Connection } from '../connection.ts'

/** One who is there, and how long it counts as there when no more is heard of it. */
export interface There {
  readonly worker: WorkerRef
  readonly leaseMs: number
}

/**
 * What processes tell each other of a live channel. ask: who is there? here, left: of one worker.
 * leave: another subscription has your place. mark: to oneself, behind all that came before.
 */
export type Word =
  | { readonly word: 'ask' }
  | ({ readonly word: 'here' } & There)
  | { readonly word: 'left'; readonly worker: WorkerRef }
  | { readonly word: 'leave'; readonly worker: WorkerRef }
  | { readonly word: 'mark'; readonly mark: string }

const prefix = 'narrowcast.'
/** A broker that takes no messages now, or does not answer, holds up nobody who comes or goes. */
const sayMsMax = 1_000

export const askKey = 'ask'
export const toldKey = 'told'

/** Says words by the connection that publishes. */
export class Words {
  readonly #publishing: Connection
  readonly #confirming: Confirming

  constructor(publishing: Connection) {
    this.#publishing = publishing
    this.#confirming = new Confirming(publishing)
  }

  /** Why the broker holds publishers back; null: it does not. */
  get blocked(): NarrowcastError | null {
    return this.#publishing.blocked
  }

  /** Resolves when it lies with all who hear it, or could not be said. */
  async say(word: Word, to: Address): Promise<void> {
    const signal = AbortSignal.timeout(sayMsMax)
    await this.#confirming.send([addressed(word, to)], signal).catch(() => {}) // heard by nobody
  }

  /** Both are heard in this order. @throws CONNECTION_LOST */
  async ask(to: Address, mark: string, replyTo: Address, signal: AbortSignal) {
    const [asked] = (await this.#confirming.send(
      [
        addressed({ word: 'ask' }, to, replyTo.routingKey),
        addressed({ word: 'mark', mark }, replyTo),
      ],
      signal,
    )) as [Confirmation, Confirmation]
    return asked
  }

  async close(): Promise<void> {
    await this.#confirming.close()
  }
}

/** Null: it is none, or none that can be understood. Any program may say anything here. */
export function wordOf({ content, properties }: AmqpMessage): Word | null {
  const { type = '' } = properties
  if (!type.startsWith(prefix)) return null
  const said = parsed(content)
  const worker = workerIn(said.worker)
  const { leaseMs, mark } = said
  switch (type.slice(prefix.length)) {
    case 'ask':
      return { word: 'ask' }
    case 'here':
      return worker && isTime(leaseMs) ? { word: 'here', worker, leaseMs } : null
    case 'left':
      return worker && { word: 'left', worker }
    case 'leave':
      return worker && { word: 'leave', worker }
    case 'mark':
      return typeof mark === 'string' ? { word: 'mark', mark } : null
    default:
      return null
  }
}

function addressed({ word, ...about }: Word, to: Address, replyTo?: string): Addressed {
  const contentType = 'application/json'
  return {
    ...to,
    content: Buffer.from(JSON.stringify(about)),
    properties: { contentType, type: prefix + word, replyTo },
    delayMs: 0,
    isTransient: true,
  }
}

function parsed(content: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(content.toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function workerIn(value: unknown): WorkerRef | null {
  if (typeof value !== 'object' || value === null) return null
  const { id, incarnation } = value as Record<string, unknown>
  return typeof id === 'string' && typeof incarnation === 'string' ? { id, incarnation } : null
}

const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0
