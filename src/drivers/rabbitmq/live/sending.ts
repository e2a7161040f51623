import type { ChannelRef, ChannelSpec, WorkerRef } from '../../../core/channel.ts'
import type { SendOutcome } from '../../../core/driver.ts'
import { asNarrowcastError, NarrowcastError } from '../../../core/errors.ts'
import type { OutgoingMessage } from '../../../core/message.ts'
import type { Confirmation, Confirming } from '../confirming.ts'
import { rabbitmqError } from '../rabbitmqErrors.ts'
import { routingKeyOf } from './names.ts'
import { faultOf, liveForm } from './outgoing.ts'

export interface Routed {
  readonly to: WorkerRef
  readonly message: OutgoingMessage
}

export interface Sending {
  readonly channel: ChannelSpec
  readonly confirming: Confirming
  /** Why the broker holds publishers back; null: it does not. */
  readonly blocked: () => NarrowcastError | null
  /** The exchange may be gone. */
  readonly lost: () => void
}

/**
 * Each to one worker. One that the broker sends back went to nobody: that worker has no queue.
 * @throws UNAVAILABLE, CONNECTION_LOST, … where certainly none was sent
 */
export async function sendTo(
  { channel, confirming, blocked, lost }: Sending,
  batch: readonly Routed[],
  signal: AbortSignal,
): Promise<SendOutcome[]> {
  checkMessages(channel, batch)
  const forms = batch.map(({ to, message }) =>
    liveForm(message, channel, { exchange: channel.name, routingKey: routingKeyOf(to) }),
  )
  const said = await confirming.send(forms, signal).catch((cause) => {
    throw unsent(cause)
  })
  if (said.includes('lost')) lost()
  if (said.every((one) => one === 'refused')) throw notSent(channel, 'send', blocked(), signal)
  return said.map((one) => outcomes[one])
}

const outcomes: Readonly<Record<Confirmation, SendOutcome>> = {
  stored: 'handed',
  returned: 'nobody',
  nacked: 'unknown',
  lost: 'unknown',
  late: 'unknown',
  refused: 'unknown', // its channel ended beneath the batch: the same as for its neighbours
}

/** Certainly nothing left. */
export function notSent(
  { pattern, name }: ChannelRef,
  operation: string,
  blocked: NarrowcastError | null,
  { aborted, reason }: AbortSignal,
): NarrowcastError {
  if (blocked !== null) return blocked
  const who = `${pattern} "${name}": `
  if (!aborted) {
    return rabbitmqError('UNAVAILABLE', operation, `${who}it was not sent`, { channel: name })
  }
  const code = reason instanceof NarrowcastError ? reason.code : 'ABORTED'
  const text = `${who}ended before it was sent`
  return rabbitmqError(code, operation, text, { channel: name, definite: true, cause: reason })
}

function unsent(cause: unknown): NarrowcastError {
  const { code, message, channel } = asNarrowcastError(cause)
  return new NarrowcastError(code, message, {
    ...{ driver: 'rabbitmq', operation: 'send', definite: true, cause },
    ...(channel !== null && { channel }),
  })
}

/** The whole batch is refused, because one of it can never be sent. */
function checkMessages(channel: ChannelSpec, batch: readonly Routed[]): void {
  for (const { message } of batch) {
    const fault = faultOf(message, channel)
    if (fault === null) continue
    const { code, text, hint } = fault
    const whole = `narrowcast "${channel.name}": ${text}; nothing was sent`
    throw rabbitmqError(code, 'send', whole, { channel: channel.name, hint })
  }
}
