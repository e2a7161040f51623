import type { IncomingMessage } from '../../core/message.ts'
import { onlyKnown, whole, wrongOption } from '../checks.ts'
import { checkStrategy, type Strategy } from '../strategies/strategies.ts'
import type { RelayDecision, RelayOptions } from './relayApi.ts'

const dayMs = 86_400_000

/** A relay with every option checked and every default filled in. */
export interface RelayPlan {
  readonly strategy: Strategy
  readonly leaseMs: number
  readonly hold: { readonly messages: number; readonly ms: number } | null
  readonly name: string | null
  readonly onDecision: ((made: readonly RelayDecision[]) => void | Promise<void>) | null
  readonly onNoWorker: ((message: IncomingMessage) => void) | null
}

const known: readonly (keyof RelayOptions)[] = [
  'strategy',
  'leaseMs',
  'hold',
  'name',
  'onDecision',
  'onNoWorker',
]

/** @throws INVALID_ARGUMENT, naming the option. */
export function planRelay(channel: string, options: RelayOptions): RelayPlan {
  onlyKnown(`relay of "${channel}"`, options, known)
  return {
    strategy: options.strategy === undefined ? 'random' : checkStrategy(options.strategy),
    leaseMs: whole('leaseMs', options.leaseMs, 3_000, 300, dayMs),
    hold: options.hold === undefined ? null : holdOf(options.hold),
    name: text('name', options.name),
    onDecision: call('onDecision', options.onDecision),
    onNoWorker: call('onNoWorker', options.onNoWorker),
  }
}

function holdOf(hold: NonNullable<RelayOptions['hold']>): RelayPlan['hold'] {
  onlyKnown('hold', hold, ['messages', 'ms'])
  const { messages, ms } = hold
  if (messages === undefined) throw wrongOption('hold.messages', 'a number', messages)
  if (ms === undefined) throw wrongOption('hold.ms', 'a number', ms)
  return {
    messages: whole('hold.messages', messages, 0, 1, 100_000),
    ms: whole('hold.ms', ms, 0, 1, dayMs),
  }
}

function text(name: string, value: string | undefined): string | null {
  if (value === undefined || typeof value === 'string') return value ?? null
  throw wrongOption(name, 'a text', value)
}

function call<F>(name: string, value: F | undefined): F | null {
  if (value === undefined || typeof value === 'function') return value ?? null
  throw wrongOption(name, 'a function', value)
}
