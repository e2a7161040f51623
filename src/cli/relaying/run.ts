import type { Bus } from '../../runtime/api.ts'
import type { Relay, RelayOptions } from '../../runtime/live/relayApi.ts'
import type { TelemetryView } from '../../runtime/telemetry/view.ts'
import type { Connected } from '../connection.ts'
import { watchOutage } from '../connectionWatch.ts'
import type { Invocation } from '../invocation.ts'
import { type Feed, makeFeed } from '../output/feed.ts'
import { showCount, showDuration } from '../output/quantities.ts'
import { type Missed, missedWords } from '../working/gaps.ts'
import { Reporter } from './reporter.ts'
import { counts, givenTo, partsOf, relayFrame } from './screen.ts'

export interface RelayRun {
  readonly channel: string
  readonly holdText: string | null
  readonly options: RelayOptions
}

const measureMs = 1_000

/** Relays a channel until it is told to end, and gives the lead to another one then. */
export async function runRelay(
  invocation: Invocation,
  connected: Connected,
  { channel, holdText, options }: RelayRun,
): Promise<void> {
  const { clock, interrupts, output } = invocation
  const beganMs = clock.monotonicMs()
  const stopping = interrupts.claim()
  const { bus, shownUrl } = connected
  const view = invocation.live && bus.contracts.broadcast ? await bus.telemetry.watch() : null
  const relay = await bus.relay(channel, options)
  const rate = new Rate()
  const feed = feedOf(invocation, connected, { channel, relay, rate, view })
  const connection = watchOutage(bus, clock, (colour, line) =>
    feed.say(output.lookOfStderr.paint(colour, line)),
  )
  try {
    feed.plain(`relay ${channel}  ${shownUrl}  ${promiseOf(bus)}`)
    const { strategy = 'random' } = options
    const start = { channel, worker: relay.worker.id, strategy, hold: holdText }
    const started = output.event('relay.started', start)
    // At once: it may lead already, or from now on.
    const reporter = new Reporter(invocation, channel, { relay, feed, connection })
    if (relay.isReady) reporter.leads()
    await started
    await untilStopped(invocation, relay, { stopping, reporter, rate })
    const drainedMs = clock.monotonicMs()
    feed.say(closing(invocation))
    await relay.close()
    await reporter.flush()
    const endMs = clock.monotonicMs()
    feed.close()
    const parts = [
      `done in ${showDuration(endMs - drainedMs)}`,
      `taken ${showCount(relay.counts.taken)}`,
      partsOf(relay.counts),
      ...missedWords(reporter),
      `in all ${showDuration(endMs - beganMs)}`,
    ]
    output.note(parts.join('   '))
    const given = givenTo(relay)
    if (given !== null) output.note(given)
    await output.event('relay.summary', { channel, ...summary(relay, reporter, endMs - beganMs) })
  } finally {
    connection.stop()
    feed.close()
  }
}

async function untilStopped(
  { clock }: Invocation,
  relay: Relay,
  run: { stopping: AbortSignal; reporter: Reporter; rate: Rate },
): Promise<void> {
  const { reporter, rate } = run
  const ended = new AbortController()
  const stopping = AbortSignal.any([run.stopping, ended.signal])
  // Rejects where it can never lead.
  const cannot = relay.ready().then(() => new Promise<never>(() => {}))
  const watch = async () => {
    await clock.sleep(measureMs, stopping)
    if (!relay.isReady && !stopping.aborted) reporter.standsBy('another relay leads')
    for (let lastMs = clock.monotonicMs(); !stopping.aborted; ) {
      const nowMs = clock.monotonicMs()
      rate.measure(relay.counts.taken, nowMs - lastMs)
      lastMs = nowMs
      await reporter.flush()
      await clock.sleep(measureMs, stopping)
    }
  }
  try {
    await Promise.race([cannot, watch()])
  } finally {
    ended.abort()
  }
}

/** Taken a second, over the last second. */
class Rate {
  perSecond: number | null = null
  #before: number | null = null

  measure(taken: number, passedMs: number): void {
    if (this.#before !== null && passedMs > 0) {
      this.perSecond = ((taken - this.#before) / passedMs) * 1_000
    }
    this.#before = taken
  }
}

function feedOf(
  { live, output, interrupts, clock }: Invocation,
  { bus, shownUrl }: Connected,
  shown: { channel: string; relay: Relay; rate: Rate; view: TelemetryView | null },
): Feed {
  const { channel, relay, rate, view } = shown
  const beganMs = clock.monotonicMs()
  const facts = () => ({
    ...{ channel, relay, url: shownUrl, promise: promiseOf(bus), look: output.lookOfStderr },
    upMs: clock.monotonicMs() - beganMs,
    rate: rate.perSecond,
    inHand: (worker: string) => view?.load(worker)?.inHand ?? null,
  })
  return makeFeed({
    ...{ live, quiet: output.quiet, clock, screen: process.stderr, keyboard: process.stdin },
    frame: (columns) => relayFrame(facts(), columns),
    heartbeat: () => counts(facts()),
    onStop: interrupts.stop,
    onInterrupt: interrupts.interrupt,
    ellipsis: output.lookOfStderr.ellipsis,
  })
}

function promiseOf({ contracts }: Bus): string {
  const delivery = contracts['narrowcast-relay']?.delivery ?? 'at-most-once'
  return `narrowcast by relay: ${delivery.replaceAll('-', ' ')}`
}

function closing({ interrupts }: Invocation): string {
  const isTold = interrupts.exitCode !== null
  const how = interrupts.exitCode === 130 ? '^C ' : ''
  return `${how}sends on what it was given${isTold ? '   (Ctrl-C again stops now)' : ''}`
}

function summary({ counts: of, routedTo }: Relay, missed: Missed, tookMs: number) {
  const { taken, routed, rerouted, unknown, noWorker, dropped } = of
  return {
    ...{ taken, routed, rerouted, unknown, no_worker: noWorker, dropped },
    missed: missed.missed,
    missed_unknown: missed.isMissedUnknown,
    workers: Object.fromEntries(routedTo),
    duration_ms: Math.round(tookMs),
  }
}
