import type { Rates } from '../../../core/admin.ts'
import type { Count } from '../../../core/message.ts'
import { rabbitmqError } from '../rabbitmqErrors.ts'
import type { ManagementApi } from './api.ts'

/** What the plugin has counted of a queue when it last looked. */
export interface Figures {
  readonly inFlight: Count
  /** Null: it has counted none yet. */
  readonly rates: Rates | null
}

export const noFigures: Figures = { inFlight: 'unknown', rates: null }

export interface Named {
  readonly name: string
  readonly [fact: string]: unknown
}

/** It looks every five seconds, unless the server is told otherwise. */
export const sampleMs = 5_000

const counted = [
  'name',
  'messages_unacknowledged',
  'message_stats.publish_details.rate',
  'message_stats.ack_details.rate',
]

/** What the management plugin tells beside AMQP. */
export class Management {
  readonly #api: ManagementApi

  constructor(api: ManagementApi) {
    this.#api = api
  }

  /**
   * What is wrong there, in words for who has set it up; null: it answers for this very broker.
   * @throws CONNECT_FAILED, LOGIN_REFUSED, TIMEOUT, UNAVAILABLE
   */
  async fault(cluster: string, signal: AbortSignal): Promise<string | null> {
    const { place } = this.#api
    const overview = await this.#api.ask('overview', signal)
    const other = textOf(at(overview, 'cluster_name'))
    if (other === null) return `${place} does not answer as a management plugin`
    if (other !== cluster) return `${place} is the management plugin of ${other}, not of ${cluster}`
    const isCounting = at(overview, 'disable_stats') !== true
    return isCounting ? null : `${place} is told to count nothing (management.disable_stats)`
  }

  /** By the names of the queues; those that are not there are left out. @throws as `fault` */
  async figures(
    queues: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Figures>> {
    const [only] = queues
    const alone = queues.length === 1 && only !== undefined
    const found = await this.#api.get('queues', alone ? only : null, counted, signal)
    const all = alone ? [found] : listOf(found)
    return new Map(all.flatMap((one) => (isNamed(one) ? [[one.name, figuresOf(one)]] : [])))
  }

  /** All of the vhost, with these facts of each. @throws NOT_FOUND, and as `fault` */
  async list(
    kind: 'queues' | 'exchanges',
    columns: readonly string[],
    signal: AbortSignal,
  ): Promise<Named[]> {
    const found = await this.#api.get(kind, null, ['name', ...columns], signal)
    if (found !== null) return listOf(found).filter(isNamed)
    const text = `${this.#api.place} does not know the vhost of the broker`
    throw rabbitmqError('NOT_FOUND', 'management', text, {
      hint: 'Is it the plugin of this very broker, and may its user see the vhost?',
    })
  }

  /** Nodes that store the messages of a queue; null: it is not there, or of another kind. */
  async members(queue: string, signal: AbortSignal): Promise<number | null> {
    const found = await this.#api.get('queues', queue, ['members'], signal)
    const members = at(found, 'members')
    return Array.isArray(members) ? members.length : null
  }

  async nodes(signal: AbortSignal): Promise<number> {
    return listOf(await this.#api.ask('nodes?columns=name', signal)).length
  }
}

function figuresOf(queue: Named): Figures {
  const inFlight = at(queue, 'messages_unacknowledged')
  const stats = at(queue, 'message_stats')
  const rate = (of: string) => numberOf(at(at(stats, of), 'rate')) ?? 0
  return {
    inFlight: numberOf(inFlight) ?? 'unknown',
    rates:
      typeof stats === 'object' && stats !== null
        ? { inPerS: rate('publish_details'), outPerS: rate('ack_details'), lagMs: sampleMs }
        : null,
  }
}

function at(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined
}

const isNamed = (value: unknown): value is Named => typeof at(value, 'name') === 'string'
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const textOf = (value: unknown) => (typeof value === 'string' ? value : null)
const numberOf = (value: unknown) => (typeof value === 'number' ? value : null)
