import { connect, type Socket } from 'node:net'
import { Flow } from './flow.ts'
import type { RuleInForce } from './ruleInForce.ts'
import type { Upstream } from './words.ts'

/** From losing an answer until its connection is reset. */
const lostAckMs = 20

/** A connection of an actor, and the one to the broker that stands for it. */
export class Link {
  readonly #client: Socket
  readonly #upstream: Upstream
  readonly #closed: () => void
  #rule: RuleInForce
  #broker: Socket | null = null
  #flows: { readonly up: Flow; readonly down: Flow } | null = null
  #losesAnswers = false

  /** `client` is paused. Nothing of it has been read. */
  constructor(client: Socket, upstream: Upstream, rule: RuleInForce, closed: () => void) {
    this.#client = client
    this.#upstream = upstream
    this.#rule = rule
    this.#closed = closed
    client.on('error', () => {}) // `close` follows
    client.once('close', (hadError) => {
      if (hadError && this.#broker) reset(this.#broker)
      if (this.#broker?.closed ?? true) this.#closed()
    })
    this.follow(rule)
  }

  follow(rule: RuleInForce): void {
    this.#rule = rule
    if (rule.isHeld.up && rule.isHeld.down && !this.#flows) return
    const { up, down } = this.#flows ?? this.#handOver()
    up.follow(rule.isHeld.up, rule.pace.up)
    down.follow(rule.isHeld.down || this.#losesAnswers, rule.pace.down)
  }

  reset(): void {
    reset(this.#client)
    if (this.#broker) reset(this.#broker)
  }

  #handOver(): { readonly up: Flow; readonly down: Flow } {
    const broker = connect({ ...this.#upstream, allowHalfOpen: true, noDelay: true })
    broker.on('error', () => {})
    broker.once('close', (hadError) => {
      if (hadError) reset(this.#client)
      if (this.#client.closed) this.#closed()
    })
    this.#broker = broker
    this.#flows = {
      up: new Flow(this.#client, broker, () => this.#sentUp()),
      down: new Flow(broker, this.#client, () => {}),
    }
    return this.#flows
  }

  #sentUp(): void {
    if (this.#losesAnswers || !this.#rule.losesAnswer()) return
    this.#losesAnswers = true
    this.#flows?.down.follow(true, this.#rule.pace.down)
    // The broker is not reset: that would take with it what it has not read yet.
    setTimeout(() => reset(this.#client), lostAckMs)
  }
}

/** Where an end is on its way already, or no connection is there yet, nothing can be reset. */
export function reset(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished
  if (socket.connecting || isEnding) socket.destroy()
  else if (!socket.destroyed) socket.resetAndDestroy()
}
