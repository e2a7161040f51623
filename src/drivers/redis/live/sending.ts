import type { ChannelSpec, WorkerRef } from '../../../core/channel.ts'
import type { Lead, SendOutcome } from '../../../core/driver.ts'
import { asNarrowcastError } from '../../../core/errors.ts'
import type { OutgoingMessage } from '../../../core/message.ts'
import { liveFault } from '../../_shared/live/liveFault.ts'
import type { Argument } from '../connection.ts'
import { orUnknown } from '../inTime.ts'
import { leftNothing } from '../outgoing.ts'
import { redisError } from '../redisErrors.ts'
import type { Home } from '../servers.ts'
import { leaseKeyOf } from './leadScripts.ts'
import { addressOf } from './names.ts'
import { inSteps, wireForm } from './outgoing.ts'
import { liveScripts } from './scripts.ts'

export interface Addressed {
  readonly to: WorkerRef
  readonly message: OutgoingMessage
}

/** With a lead its fence is compared in each step of sending. */
export async function sendTo(
  home: Home,
  channel: ChannelSpec,
  batch: readonly Addressed[],
  lead: Lead | null,
  signal: AbortSignal,
): Promise<SendOutcome[]> {
  checkMessages(channel, batch)
  const all = batch.map(({ to, message }) => ({
    address: addressOf(channel.name, to, home),
    form: wireForm(message, channel),
  }))
  const outcomes: SendOutcome[] = []
  for (const step of inSteps(all, ({ form }) => form)) {
    const args = [lead?.fence ?? '', ...step.flatMap(({ address, form }) => [address, form])]
    outcomes.push(
      ...(await sendStep({ home, channel, args, isFirst: outcomes.length === 0 }, signal)),
    )
  }
  return outcomes
}

interface Step {
  readonly home: Home
  readonly channel: ChannelSpec
  /** The fence, then an address and a message in turn. */
  readonly args: readonly Argument[]
  /** Nothing was sent before: that it cannot be sent may be thrown. */
  readonly isFirst: boolean
}

async function sendStep(step: Step, signal: AbortSignal): Promise<SendOutcome[]> {
  const { home, channel, args, isFirst } = step
  const keys = [leaseKeyOf(channel.name)]
  const all = <T>(outcome: T) => new Array<T>((args.length - 1) / 2).fill(outcome)
  try {
    const said = await orUnknown('send', signal, () =>
      home.run<number[] | 'fenced'>(liveScripts(home).send, keys, args, 'send'),
    )
    if (said === 'fenced') return all('fenced')
    return said.map((isHeard) => (isHeard === 1 ? 'handed' : 'nobody'))
  } catch (error) {
    if (isFirst && leftNothing(asNarrowcastError(error))) throw error
    return all('unknown')
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
