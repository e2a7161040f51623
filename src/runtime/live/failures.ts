import { NarrowcastError } from '../../core/errors.ts'
import { handlerFailed } from '../handlerFailed.ts'
import type { Ending } from '../policy.ts'

/** What is told of a message of a live pattern that did not end well; null: it did. */
export function failureOf(ending: Ending, id: string, channel: string): NarrowcastError | null {
  const nothing = 'nothing is tried again or kept here'
  switch (ending.kind) {
    case 'ack':
      return null
    case 'failed':
      if (!ending.isAsked) return handlerFailed(ending.error, channel)
      return failed(`asked for a retry of message ${id}: ${nothing}`, channel)
    case 'dead':
      return failed(`gave message ${id} up: ${ending.reason}; ${nothing}`, channel)
    case 'invalid':
      return new NarrowcastError(
        'INVALID_MESSAGE',
        `message ${id} of "${channel}" is ${ending.reason}; ${nothing}`,
        { channel },
      )
    default:
      return failed(`did not get to message ${id}: ${nothing}`, channel)
  }
}

function failed(what: string, channel: string): NarrowcastError {
  return new NarrowcastError('HANDLER_FAILED', `the handler on "${channel}" ${what}`, { channel })
}
