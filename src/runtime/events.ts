import { NarrowcastError } from '../core/errors.ts'
import type { SubscriptionEvents } from './api.ts'
import { callback } from './callback.ts'
import { wrongOption } from './checks.ts'
import { textOf } from './thrown.ts'

type Listener<E extends keyof SubscriptionEvents> = (what: SubscriptionEvents[E]) => void

const known: Readonly<Record<keyof SubscriptionEvents, true>> = {
  ready: true,
  settled: true,
  lost: true,
  late: true,
  dead: true,
  error: true,
  deaf: true,
  gap: true,
  stuck: true,
  drained: true,
}

/**
 * Listeners of one subscription. They run after the state has changed; one that throws or
 * rejects becomes an `error` event. An error that nobody listens for is told to the process as a warning.
 */
export class Events {
  /** Each list stays as it is: one that is being told may be replaced meanwhile. */
  readonly #listeners = new Map<keyof SubscriptionEvents, readonly Listener<never>[]>()
  readonly #warned = new Set<string>()
  /** `error` events so far. */
  errors = 0

  /** @throws INVALID_ARGUMENT for an event that nobody ever tells, or a listener that is none. */
  on<E extends keyof SubscriptionEvents>(event: E, listener: Listener<E>): () => void {
    if (!Object.hasOwn(known, event)) {
      throw wrongOption('event', `one of ${Object.keys(known).join(', ')}`, event)
    }
    if (typeof listener !== 'function') throw wrongOption('listener', 'a function', listener)
    const others = () => (this.#listeners.get(event) ?? []).filter((one) => one !== listener)
    this.#listeners.set(event, [...others(), listener as Listener<never>])
    return () => void this.#listeners.set(event, others())
  }

  /** Cheap to ask before an event object is made on a hot path. */
  has(event: keyof SubscriptionEvents): boolean {
    return (this.#listeners.get(event)?.length ?? 0) > 0
  }

  emit<E extends keyof SubscriptionEvents>(event: E, what: SubscriptionEvents[E]): void {
    if (event === 'error') this.errors++
    const listeners = this.#listeners.get(event)
    if (!listeners?.length) {
      if (event === 'error') this.#warn((what as SubscriptionEvents['error']).error)
      return
    }
    for (const listener of listeners) {
      callback(
        () => (listener as Listener<E>)(what),
        (cause) => this.#threw(event, cause),
      )
    }
  }

  /** Nobody listens for errors: said once per code, so that nothing fails in silence. */
  #warn({ code, message }: NarrowcastError): void {
    if (this.#warned.has(code)) return
    this.#warned.add(code)
    process.emitWarning(`${message} (listen to "error" to hear of each)`, {
      type: 'NarrowcastWarning',
      code,
    })
  }

  #threw(event: string, cause: unknown): void {
    const text = `a listener of "${event}" threw: ${textOf(cause)}`
    if (event === 'error') process.emitWarning(text, 'NarrowcastWarning')
    else this.emit('error', { id: null, error: new NarrowcastError('INTERNAL', text, { cause }) })
  }
}
