import type { AmqpMessage } from './client.ts'
import type { Addressed, Confirmation } from './confirming.ts'

/** What was sent at once, until all of it is answered. */
export class SentBatch {
  readonly #messages: readonly Addressed[]
  readonly #confirmations: (Confirmation | null)[]
  readonly #returned = new Set<number>()
  readonly #all = Promise.withResolvers<Confirmation[]>()
  #left: number

  constructor(messages: readonly Addressed[]) {
    this.#messages = messages
    this.#confirmations = messages.map(() => null)
    this.#left = messages.length
    if (this.#left === 0) this.#all.resolve([])
  }

  /** Resolves when all are answered: one for each, in their order. */
  get confirmations(): Promise<Confirmation[]> {
    return this.#all.promise
  }

  /** To be called with the answer to that message. */
  answered(at: number): (confirmation: Confirmation) => void {
    return (confirmation) => {
      if (this.#confirmations[at] !== null) return
      const isReturned = confirmation === 'stored' && this.#returned.has(at)
      this.#confirmations[at] = isReturned ? 'returned' : confirmation
      this.#left--
      if (this.#left === 0) this.#all.resolve(this.#confirmations as Confirmation[])
    }
  }

  /** The broker has sent it back, and confirms it next. False: it is not of this batch. */
  returned(message: AmqpMessage): boolean {
    const at = this.#messages.findIndex(
      (one, n) => this.#confirmations[n] === null && !this.#returned.has(n) && isSame(one, message),
    )
    if (at >= 0) this.#returned.add(at)
    return at >= 0
  }

  /** Nobody waits any longer: what is not answered by now is late. */
  giveUp(): void {
    this.#all.resolve(this.#confirmations.map((one) => one ?? 'late'))
  }
}

/** A return names no number. Which of two that are alike in all of this came back is all the same. */
function isSame(sent: Addressed, { fields, properties: found, ...returned }: AmqpMessage): boolean {
  const { exchange, routingKey, content, properties } = sent
  return (
    exchange === fields.exchange &&
    routingKey === fields.routingKey &&
    properties.messageId === found.messageId &&
    content.equals(returned.content)
  )
}
