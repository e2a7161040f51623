import { randomBytes } from 'node:crypto'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { connect } from '../../connect.ts'
import { systemClock } from '../../core/clock.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Pattern } from '../../core/message.ts'
import type { Bus, Channel } from '../../runtime/api.ts'
import { packageVersion } from '../../runtime/packageVersion.ts'
import { type Measured, Offer, type Probe } from '../benching/offer.ts'
import { conclusion, highest, keepsUp, risingRates } from '../benching/rates.ts'
import { type Connected, connectTo } from '../connection.ts'
import { isDryRun } from '../consent.ts'
import { makeFlags } from '../flags.ts'
import type { Invocation, Run } from '../invocation.ts'
import { makeProgress } from '../output/progress.ts'
import { showBytes, showCount, showDuration, showRate } from '../output/quantities.ts'
import type { Column, Json } from '../output/table.ts'

interface Plan {
  readonly pattern: Pattern
  readonly forMs: number
  readonly bytes: number
  readonly rate: number
  readonly p99MsMax: number
}

const warmUp = { rate: 100, msMax: 1_000 } as const
const handlersAtOnce = 64

/** `bench [URL]`: rising rates on a channel of its own, until the backend does not keep up. */
export const bench: Run = async (given) => {
  const invocation = withUrl(given)
  const { output, interrupts } = invocation
  const plan = planOf(invocation)
  const name = `bench.${Date.now().toString(36)}.${randomBytes(4).toString('hex')}`
  const what = `${plan.pattern}, ${showBytes(plan.bytes)}, ${showDuration(plan.forMs)} at each rate`
  if (await isDryRun(invocation, `would measure ${name}: ${what}`)) return
  const signal = interrupts.claim()
  await using connected = await connectTo(invocation, { look: false })
  output.note(`bench ${connected.shownUrl}  ${what}; one process publishes and works`)
  const all = await onScratch(connected, plan, name, async (offer) => {
    const forMs = Math.min(warmUp.msMax, plan.forMs)
    await offer.run({ rate: warmUp.rate, forMs, signal, onSent: () => {} })
    return risingRates(plan.rate, plan.p99MsMax, signal, (rate) =>
      measure(invocation, offer, plan, rate, signal),
    )
  })
  await output.list({
    type: 'bench',
    columns: columns(plan.p99MsMax),
    rows: all,
    fields: {
      url: connected.shownUrl,
      pattern: plan.pattern,
      bytes: plan.bytes,
      for_ms: plan.forMs,
      p99_max_ms: plan.p99MsMax,
      kept_up_per_s: highest(all, plan.p99MsMax)?.offered ?? null,
      ...surroundings(connected.bus),
    },
    ifEmpty: 'stopped before a rate was measured',
  })
  if (all.length > 0) output.note(conclusion(all, plan.p99MsMax))
}

function planOf({ flags }: Invocation): Plan {
  return {
    pattern: (flags.text('pattern') as Pattern | undefined) ?? 'queue',
    forMs: atLeast('--for', flags.durationMs('for') ?? 10_000, 100),
    bytes: atLeast('--size', flags.bytes('size') ?? 300, 64),
    rate: flags.whole('rate', { min: 1, max: 1_000_000 }) ?? 250,
    p99MsMax: atLeast('--p99', flags.durationMs('p99') ?? 1_000, 1),
  }
}

function atLeast(flag: string, value: number, min: number): number {
  if (value >= min) return value
  const unit = flag === '--size' ? 'B' : 'ms'
  throw new NarrowcastError('INVALID_ARGUMENT', `${flag}: expected at least ${min}${unit}`)
}

/** `bench URL` is `bench --url URL`. */
function withUrl(invocation: Invocation): Invocation {
  const [url] = invocation.args
  if (url === undefined) return invocation
  const { flags } = invocation
  if (flags.isSet('url')) throw new NarrowcastError('INVALID_ARGUMENT', 'bench: URL is given twice')
  const own = makeFlags({ url })
  const isSet = (name: string) => (name === 'url' ? true : flags.isSet(name))
  const text = (name: string) => (name === 'url' ? own : flags).text(name)
  return { ...invocation, flags: { ...flags, isSet, text } }
}

/**
 * A channel of its own, with a worker on a connection of its own; gone afterwards, come what may.
 * @throws UNSUPPORTED where the backend does not offer the pattern.
 */
async function onScratch<T>(
  { bus, url, settings }: Connected,
  { pattern, bytes }: Plan,
  name: string,
  work: (offer: Offer) => Promise<T>,
): Promise<T> {
  const publishing: Channel<Probe> = bus[pattern]<Probe>(name, { inFlightMax: 10_000 })
  await publishing.opened()
  const offer = new Offer(publishing, bytes, systemClock)
  const workers = await connect(url, { config: settings.config, name: 'bench' })
  try {
    const worker = workers[pattern]<Probe>(name, { inFlightMax: 10_000 }).subscribe(offer.take, {
      concurrency: handlersAtOnce,
      ...(pattern === 'stream' ? { group: 'bench' } : {}),
    })
    await worker.ready()
    return await work(offer)
  } finally {
    await workers.close({ timeoutMs: 2_000 })
    await bus.admin.remove({ name, pattern })
  }
}

async function measure(
  { output, live }: Invocation,
  offer: Offer,
  { forMs, p99MsMax }: Plan,
  rate: number,
  signal: AbortSignal,
): Promise<Measured> {
  const total = Math.round((rate * forMs) / 1_000)
  const progress = makeProgress(output, `${showRate(rate)}`, total, { live })
  const measured = await offer.run({ rate, forMs, signal, onSent: progress.update })
  progress.end()
  if (signal.aborted) return measured
  const word = keepsUp(measured, p99MsMax) ? 'kept up' : 'did not keep up'
  output.note(
    `${showRate(rate)}  ${word}: came to ${showRate(measured.achieved)}, p99 ${showDuration(measured.p99Ms)}`,
  )
  return measured
}

function columns(p99MsMax: number): readonly Column<Measured>[] {
  const rate = (name: string, of: (one: Measured) => number): Column<Measured> => ({
    ...{ name: `${name}_per_s`, head: name.toUpperCase(), align: 'right' },
    value: of,
    text: (one) => showRate(of(one)),
  })
  const time = (
    name: string,
    head: string,
    of: (one: Measured) => number | null,
    goes: number,
  ): Column<Measured> => ({
    ...{ name: `${name}_ms`, head, align: 'right', goes },
    value: of,
    text: (one) => showDuration(of(one)),
  })
  const lost = ({ sent, delivered, refused }: Measured) => sent - delivered - refused
  const count = (name: string, head: string, of: (one: Measured) => number): Column<Measured> => ({
    ...{ name, head, value: of, text: (one) => showCount(of(one)), goes: 6 },
    stays: (one) => of(one) > 0,
  })
  return [
    rate('offered', ({ offered }) => offered),
    rate('achieved', ({ achieved }) => achieved),
    time('p50', 'p50', ({ p50Ms }) => p50Ms, 3),
    time('p99', 'p99', ({ p99Ms }) => p99Ms, 0),
    time('p999', 'p99.9', ({ p999Ms }) => p999Ms, 4),
    time('max', 'MAX', ({ maxMs }) => maxMs, 2),
    count('refused', 'REFUSED', ({ refused }) => refused),
    count('not_arrived', 'MISSING', lost),
    {
      ...{ name: 'kept_up', head: 'KEPT UP', goes: 1 },
      value: (one) => keepsUp(one, p99MsMax),
      text: (one) => (keepsUp(one, p99MsMax) ? 'yes' : 'no'),
    },
  ]
}

/** What the figures depend on. */
function surroundings({ info, driver }: Bus): Readonly<Record<string, Json>> {
  return {
    machine: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      memory_bytes: totalmem(),
      os: `${process.platform} ${process.arch}`,
    },
    versions: {
      narrowcast: packageVersion(),
      node: process.versions.node,
      driver,
      backend: `${info.product} ${info.version}`,
    },
  }
}
