import { NarrowcastError } from '../../core/errors.ts'
import { parseDurationMs } from '../../core/url.ts'
import type { RelayOptions } from '../../runtime/live/relayApi.ts'
import type { Strategy } from '../../runtime/strategies/strategies.ts'
import { openSource } from '../children/sourceChannel.ts'
import { isDryRun } from '../consent.ts'
import { parseWhole } from '../flags.ts'
import type { Run } from '../invocation.ts'
import { runRelay } from '../relaying/run.ts'

/** `relay CHANNEL` */
export const relay: Run = async (invocation) => {
  const { flags, args } = invocation
  const name = args[0] as string
  const strategy = (flags.text('strategy') ?? 'random') as Strategy
  const holdText = flags.text('hold') ?? null
  const hold = holdText === null ? {} : { hold: holdOf(holdText) }
  if (invocation.dryRun) {
    await isDryRun(invocation, `would relay ${name} by ${strategy}`)
    return
  }
  const wish = { only: 'narrowcast', row: 'narrowcast-relay', telemetry: true } as const
  await using source = await openSource(invocation, name, wish)
  const options = { strategy, name: 'relay', ...hold }
  await runRelay(invocation, source.connected, { channel: name, holdText, options })
}

/** `1000,5s`. @throws INVALID_CONFIG */
function holdOf(text: string): NonNullable<RelayOptions['hold']> {
  const [messages, time, ...more] = text.split(',')
  if (messages === undefined || time === undefined || more.length > 0) {
    throw new NarrowcastError(
      'INVALID_CONFIG',
      `--hold: expected a count and a time as in 1000,5s, got ${JSON.stringify(text)}`,
    )
  }
  return {
    messages: parseWhole('--hold', messages, { min: 1, max: 1_000_000 }),
    ms: Math.round(parseDurationMs('--hold', time)),
  }
}
