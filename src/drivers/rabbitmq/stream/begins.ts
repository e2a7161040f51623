import type { Place } from '../../../core/message.ts'
import type { AmqpMessage } from '../client.ts'
import type { Home } from '../layout.ts'
import { rabbitmqError } from '../rabbitmqErrors.ts'
import { messageOf } from '../wire.ts'

export interface Begins {
  /** Those of a batch that the group is given. Batches come in the order of the archive. */
  picked(batch: readonly AmqpMessage[]): AmqpMessage[]
  /** Called at the end of the archive. @throws NOT_FOUND */
  checkFound(): void
}

/** Where in the archive a new group begins. @throws UNSUPPORTED for a position: there are none */
export function beginsAt({ channel }: Home, from: Place): Begins {
  if (typeof from !== 'string' && 'position' in from) {
    const text = `"${channel}": messages have no positions here; begin at an id or a time`
    throw rabbitmqError('UNSUPPORTED', 'source', text, { channel })
  }
  let isBegun = from === 'first'
  const isAfter = (raw: AmqpMessage): boolean => {
    if (isBegun || typeof from === 'string') return isBegun
    const { id, timeMs } = messageOf(raw, channel, 0)
    if ('timeMs' in from) isBegun = timeMs >= from.timeMs
    else isBegun = id === from.id
    return isBegun && 'timeMs' in from
  }
  return {
    picked: (batch) => batch.filter(isAfter),
    checkFound() {
      if (isBegun || typeof from === 'string' || !('id' in from)) return
      const text = `"${channel}" has no message ${from.id} to begin after`
      throw rabbitmqError('NOT_FOUND', 'source', text, { channel })
    },
  }
}
