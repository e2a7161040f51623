import { NarrowcastError } from '../core/errors.ts'

interface Difference {
  readonly name: string
  readonly wanted: string
  readonly found: string
}

const patterns: readonly string[] = ['queue', 'stream', 'broadcast', 'narrowcast']

/** The channel is there with values that its declaration cannot change: what to write instead. */
export function channelConflict(
  driver: string,
  channel: string,
  what: readonly Difference[],
): NarrowcastError {
  const each = what.map(({ name, wanted, found }) => `${name}: wanted ${wanted}, found ${found}`)
  return new NarrowcastError(
    'CONFLICT',
    `${driver}: channel "${channel}" exists with other values: ${each.join('; ')}`,
    {
      driver,
      channel,
      operation: 'open',
      hint: `${what.map(asFound).join('\n')}\nOr remove it with its messages: narrowcast channels rm ${channel}`,
    },
  )
}

/** The option that asks for what is there. Drivers show a number with its unit, or none at all. */
function asFound({ name, found }: Difference): string {
  const value = Number.parseInt(found, 10)
  const isSet = Number.isFinite(value)
  if (name === 'dedupeWindowMs') {
    return isSet
      ? `Ask for the window it has: dedupe: { on: 'publish', windowMs: ${value} }, or --dedupe ${value}ms`
      : 'It has no dedupe on publish: leave dedupe (--dedupe) out.'
  }
  if (name === 'pattern' && patterns.includes(found)) {
    return `Open it as what it is: bus.${found}(…), or --pattern ${found}`
  }
  if (name === 'engine') return `Ask for the form it is kept in, in the URL: ?queue=${found}`
  const limit = /^retention\.(.+)$/.exec(name)?.[1]
  if (limit === undefined)
    return 'Another program has made it so: use another name for the channel.'
  return isSet
    ? `Ask for the limit it has: retention: { ${limit}: ${value} }`
    : `It has no such limit: leave retention.${limit} out.`
}
