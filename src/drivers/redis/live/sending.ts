import type { ChannelSpec, WorkerRef } from '../../../core/channel.ts'
import type { Lead, SendOutcome } from '../../../core/driver.ts'
import { asNarrowcastError } from '../../../core/errors.ts'
import type { OutgoingMessage } from '../../../core/message.ts'
import { inTime } from '../inTime.ts'
import { redisError } from '../redisErrors.ts'
import type { Home } from '../servers.ts'
import { leaseKeyOf } from './leadScripts.ts'
import { addressOf } from './names.ts'
import { liveFault, wireForm } from './outgoing.ts'
import { liveScripts } from './scripts.ts'

export interface Addressed {
  readonly to: WorkerRef
  readonly message: OutgoingMessage
}

/** One step for the whole batch: with a lead its fence is compared in it. */
export async function sendTo(
  home: Home,
  channel: ChannelSpec,
  batch: readonly Addressed[],
  lead: Lead | null,
  signal: AbortSignal,
): Promise<SendOutcome[]> {
  checkMessages(channel, batch)
  const args = batch.flatMap(({ to, message }) => [
    addressOf(channel.name, to, home),
    wireForm(message, channel),
  ])
  const keys = [leaseKeyOf(channel.name)]
  const ask = () =>
    home.run<number[] | 'fenced'>(
      liveScripts(home).send,
      keys,
      [lead?.fence ?? '', ...args],
      'send',
    )
  try {
    const said = await inTime(home, 'send', signal, ask)
    if (said === 'fenced') return batch.map(() => 'fenced')
    return said.map((isHeard) => (isHeard === 1 ? 'handed' : 'nobody'))
  } catch (error) {
    if (asNarrowcastError(error).definite) throw error
    return batch.map(() => 'unknown')
  }
}

/** The whole batch is refused, because one of it can never be sent. */
function checkMessages(channel: ChannelSpec, batch: readonly Addressed[]): void {
  for (const { message } of batch) {
    const fault = liveFault(message, channel)
    if (fault === null) continue
    const { code, text, hint } = fault
    const whole = `narrowcast "${channel.name}": ${text}; nothing was sent`
    throw redisError(code, 'send', whole, { channel: channel.name, hint })
  }
}
