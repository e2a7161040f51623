import type { Publisher } from '../../core/driver.ts'
import type { OutgoingMessage, PublishOutcome } from '../../core/message.ts'
import type { Routed, Router } from './router.ts'

/** Narrowcast without anybody between: the publisher chooses the worker. */
export class DirectPublisher implements Publisher {
  readonly #router: Router

  constructor(router: Router) {
    this.#router = router
  }

  async publish(batch: readonly OutgoingMessage[], signal: AbortSignal): Promise<PublishOutcome[]> {
    return (await this.#router.route(batch, null, signal)).map(outcomeOf)
  }

  async [Symbol.asyncDispose](): Promise<void> {} // what it sends over belongs to the session
}

function outcomeOf(routed: Routed): PublishOutcome {
  switch (routed.kind) {
    case 'handed':
      return { state: 'stored', duplicate: false, receivers: 1 }
    case 'no-worker':
      return {
        state: 'refused',
        code: 'NO_WORKER',
        message: 'no live worker is there to be given it',
        hint: 'Nothing is kept on a narrowcast: subscribe a worker, then publish again. Use a queue for what must wait.',
      }
    case 'failed': {
      const { code, message, hint } = routed.error
      // The session is gone, not the outbox: it goes on with the next one.
      return { state: 'refused', code: code === 'CLOSED' ? 'CONNECTION_LOST' : code, message, hint }
    }
    default:
      return {
        state: 'unknown',
        code: 'CONNECTION_LOST',
        message: 'one worker may have been given it, so it is sent to no other',
      }
  }
}
