import { NarrowcastError } from '../../core/errors.ts'
import type { LivePattern, Pattern } from '../../core/message.ts'
import type { ChannelOptions } from '../api.ts'
import { wrongOption } from '../checks.ts'
import { checkStrategy, type Strategy } from '../strategies/strategies.ts'

const once = 'a message is handed over once, and done when it is'
const unkept = 'a message is kept for nobody'

/** What only messages have that are kept until they are settled. */
const keptOnly: Readonly<Record<string, string>> = {
  leaseMs: once,
  attempts: once,
  deliveriesMax: once,
  backoff: once,
  dedupe: 'ids are not remembered',
  order: 'messages are handed over as they come',
  onFailure: once,
  retention: unkept,
  group: 'every subscription is for itself',
  from: unkept,
  batch: 'each message goes to its handler when it comes',
  deafAfterMs: 'nothing waits at the broker that could be missed',
  delayMs: unkept,
  'publish.retry': `${once}: what may have been sent is not sent again`,
}

/** `from` names who said it. @throws UNSUPPORTED, naming the option, the channel, its pattern, and what to use instead. */
export function refuseKept(
  pattern: LivePattern,
  channel: string,
  options: object,
  from = '',
): void {
  for (const [option, value] of Object.entries(options)) {
    if (value !== undefined && keptOnly[option]) throw notKept(pattern, channel, option, from)
  }
}

/** The refusal of one of them. */
export function notKept(
  pattern: LivePattern,
  channel: string,
  option: string,
  from = '',
): NarrowcastError {
  return new NarrowcastError(
    'UNSUPPORTED',
    `${pattern} "${channel}" takes no option ${option}${from}: ${keptOnly[option]}`,
    { channel, hint: 'Use a queue, or a stream with a group, for what must be kept and settled.' },
  )
}

/** Who chooses the worker of a narrowcast, and how. */
export function routing(
  pattern: Pattern,
  { via, strategy }: Pick<ChannelOptions<never>, 'via' | 'strategy'>,
): { via: 'direct' | 'relay'; strategy: Strategy } {
  if (pattern !== 'narrowcast') {
    const only = `nothing on a ${pattern} (narrowcast only)`
    if (via !== undefined) throw wrongOption('via', only, via)
    if (strategy !== undefined) throw wrongOption('strategy', only, strategy)
  }
  if (via !== undefined && via !== 'direct' && via !== 'relay') {
    throw wrongOption('via', "'direct' or 'relay'", via)
  }
  if (via === 'relay' && strategy !== undefined) {
    throw wrongOption('strategy', "nothing with via 'relay', where bus.relay is told", strategy)
  }
  return { via: via ?? 'direct', strategy: checkStrategy(strategy ?? 'random') }
}

export function noDeliveries(pattern: LivePattern, channel: string): NarrowcastError {
  return new NarrowcastError(
    'UNSUPPORTED',
    `${pattern} "${channel}" has no deliveries(): ${once}, so there is nothing to settle`,
    { channel, operation: 'deliveries', hint: 'Use subscribe() with a handler.' },
  )
}
