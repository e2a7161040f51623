import { NarrowcastError } from '../core/errors.ts'
import type { ChannelOptions, PublishOptions } from './api.ts'
import { wrongOption } from './checks.ts'

/**
 * Whether our fields travel around the data.
 * @throws INVALID_ARGUMENT, naming the option that needs what plain data does not carry.
 */
export function envelopeOf(wish: ChannelOptions<never>): boolean {
  const { envelope = true } = wish
  if (typeof envelope !== 'boolean') throw wrongOption('envelope', 'true or false', envelope)
  if (envelope) return true
  if (wish.dedupe) throw lacks('dedupe', 'an id', JSON.stringify(wish.dedupe))
  if (wish.order === 'key') throw lacks('order', 'a key', wish.order)
  if (wish.strategy === 'sticky') throw lacks('strategy', 'a key', wish.strategy)
  return false
}

function lacks(option: string, what: string, got: string): NarrowcastError {
  return wrongOption(option, `nothing that needs ${what}, which envelope: false does not send`, got)
}

const around = ['id', 'key', 'headers', 'type', 'source', 'timeMs', 'delayMs'] as const

/** @throws INVALID_ARGUMENT for what has no place beside plain data. */
export function refuseAround(channel: string, options: PublishOptions): void {
  const found = around.find((name) => options[name] !== undefined)
  if (found === undefined) return
  throw new NarrowcastError(
    'INVALID_ARGUMENT',
    `publish to "${channel}": option ${found} cannot travel with envelope: false, which sends the data alone`,
    {
      channel,
      operation: 'publish',
      hint: `Put it into the data, or open the channel without envelope: false if its readers take CloudEvents.`,
    },
  )
}
