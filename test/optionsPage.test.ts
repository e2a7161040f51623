import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../scripts/start.ts'
import { connect } from '../src/index.ts'
import { planChannel } from '../src/runtime/channelOptions.ts'
import { encode } from '../src/runtime/envelope.ts'
import { planRelay } from '../src/runtime/live/relayPlan.ts'
import { planDeliveries, planSubscription } from '../src/runtime/subscribeOptions.ts'

type Options = { readonly [name: string]: unknown }
interface Row {
  readonly name: string
  readonly default: string
  readonly range: string
}

const page = await readFile(join(root, 'docs/options.md'), 'utf8')
/** The options that need another beside them. */
const beside: Options = { dedupe: { on: 'publish' }, hold: { messages: 1, ms: 1 } }

function rowsOf(section: string): Row[] {
  const [, text = ''] = page.split(`\n## ${section}\n`)
  const lines = text.split('\n## ')[0]?.matchAll(/^\| `([\w.]+)` \| (.*?) \| (.*?) \|/gm) ?? []
  return [...lines].map(([, name = '', value = '', range = '']) => {
    return { name, default: value, range }
  })
}

const channel = (options: Options, pattern: 'queue' | 'stream' | 'narrowcast' = 'stream') =>
  planChannel('c', pattern, options, {})
const subscription = (options: Options) => planSubscription('c', 'queue', options)
const live = (options: Options) => planSubscription('c', 'broadcast', options)
const deliveries = (options: Options) => planDeliveries('c', 'queue', options as object)
const relay = (options: Options) => planRelay('c', options)
const publish = (options: Options) => encode(channel({}), 1, options, 0)

/** The names that the code knows, as it says them itself where it is given another. */
function known(plan: () => unknown): string[] {
  let said = ''
  try {
    plan()
  } catch (error) {
    said = (error as Error).message
  }
  return (/known are (.*)$/.exec(said)?.[1] ?? said).split(', ').sort()
}

const sections: [string, (options: Options) => unknown][] = [
  ['Channel', channel],
  ['Subscription', subscription],
  ['Deliveries', deliveries],
  ['Publish', publish],
  ['Relay', relay],
]

test.each(sections)('%s: the page and the code name the same options', (section, plan) => {
  const names = rowsOf(section).map(({ name }) => name.split('.') as [string, string?])
  expect([...new Set(names.map(([name]) => name))].sort()).toEqual(known(() => plan({ none: 1 })))
  for (const outer of new Set(names.filter(([, inner]) => inner).map(([name]) => name))) {
    const inner = names.filter(([name]) => name === outer).map(([, one]) => one)
    expect(inner.sort(), outer).toEqual(known(() => plan({ [outer]: { none: 1 } })))
  }
})

test('Connect: the page and the code name the same options', async () => {
  const refused = await connect('memory:', { none: 1 } as object).catch((error: unknown) => error)
  const names = rowsOf('Connect').map(({ name }) => name)
  const told = known(() => {
    throw refused
  })
  expect(names.sort()).toEqual(told)
})

test.each(sections)('%s: the ranges of numbers are those of the code', (section, plan) => {
  const numbers = rowsOf(section).filter(({ range }) => /^\d.* (…|or more)/.test(range))
  for (const { name, range } of numbers) {
    const [outer = '', inner] = name.split('.')
    const bad = inner ? { [outer]: { ...(beside[outer] as object), [inner]: -1 } } : { [outer]: -1 }
    const [from, to] = range.replaceAll('_', '').split(/ … | or more/)
    const text = to ? `from ${from} to ${to}` : `of at least ${from}`
    const at = name === 'holdMax' && section === 'Subscription' ? live : plan
    expect(() => at(bad), name).toThrow(`option ${name}: expected a whole number ${text}, got -1`)
  }
  if (section !== 'Publish') expect(numbers.length).toBeGreaterThan(2)
})

test('the defaults of numbers are those of the code', () => {
  const { spec, publish, outbox, attempts, deliveriesMax, backoff, consumeWindowMs } = channel({
    dedupe: { on: 'consume' },
  })
  const worker = live({})
  const held = deliveries({})
  const made: Record<string, Record<string, number | null>> = {
    Channel: {
      payloadBytesMax: spec.payloadBytesMax,
      'publish.timeoutMs': publish.timeoutMs,
      inFlightMax: outbox.messagesMax,
      inFlightBytesMax: outbox.bytesMax,
      leaseMs: spec.leaseMs,
      attempts,
      deliveriesMax,
      'backoff.delayMsMin': backoff.delayMsMin,
      'backoff.delayMsMax': backoff.delayMsMax,
      'dedupe.windowMs': consumeWindowMs,
    },
    Subscription: {
      concurrency: worker.concurrency,
      holdMax: worker.hold.messages,
      holdBytesMax: worker.hold.bytes,
      runMsMax: worker.runMsMax,
      abortMs: worker.abortMs,
      deafAfterMs: subscription({}).deafAfterMs,
    },
    Deliveries: {
      holdMax: held.hold.messages,
      holdBytesMax: held.hold.bytes,
      deafAfterMs: held.deafAfterMs,
    },
    Publish: { delayMs: 0 },
    Relay: { leaseMs: relay({}).leaseMs },
  }
  for (const [section] of sections) {
    const told = rowsOf(section).filter((row) => /^[\d_]+$/.test(row.default))
    const numbers = told.map((row) => [row.name, Number(row.default.replaceAll('_', ''))])
    expect(Object.fromEntries(numbers), section).toEqual(made[section])
  }
})
