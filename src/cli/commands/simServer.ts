import { redactUrl } from '../../core/url.ts'
import type { ServerOptions, ServerStats } from '../../simulator/index.ts'
import { type Connected, connectTo } from '../connection.ts'
import { isDryRun } from '../consent.ts'
import type { Invocation, Run } from '../invocation.ts'
import { makeFeed } from '../output/feed.ts'
import { countOf, showCount, showElapsed } from '../output/quantities.ts'
import { type HostEnd, openGameHost } from '../simulation/gameHost.ts'
import { startMany } from '../simulation/manyServers.ts'
import { recordsCode, recordsText } from '../simulation/records.ts'
import { serverOptions, sharingOf, totalsJson } from '../simulation/serverOptions.ts'

/** What serves, in this process or in several. */
interface Serving {
  readonly url: string
  stats(): ServerStats
  readonly died: number
  readonly failed: Promise<never> | null
  close(): Promise<HostEnd>
}

type Say = (text: string) => void

/** `sim server`: until Ctrl-C. */
export const server: Run = async (invocation) => {
  const { flags, output, clock, interrupts } = invocation
  const { state, stateExpiryMs, processes } = sharingOf(invocation)
  const expiry = stateExpiryMs === null ? {} : { stateExpiryMs }
  const options: ServerOptions = { ...serverOptions(invocation), state, ...expiry }
  if (await isDryRun(invocation, `would listen on port ${options.port ?? 5_678}`)) return 0
  // Connected first, so that a wrong URL is told here and not by lost records.
  await using connected = await connectTo(invocation, { look: false })
  const early: string[] = []
  let say: Say = (text) => early.push(text)
  const serving = await start(connected, options, processes, (text) => say(text))
  const stopping = interrupts.claim()
  const beganMs = clock.monotonicMs()
  const place = redactUrl(state)
  await output.event('sim.server', {
    url: serving.url,
    port: Number(new URL(serving.url).port),
    processes,
    state: place,
  })
  const sharing = state === 'memory' ? '' : `   ${countOf(processes, 'process')} on ${place}`
  await output.data(
    `sim server ${serving.url}${sharing}   records to ${connected.shownUrl}   Ctrl-C to stop\n`,
  )
  const status = () => statusLine(serving.stats(), clock.monotonicMs() - beganMs)
  const feed = makeFeed({
    live: invocation.live,
    quiet: output.quiet,
    screen: process.stderr,
    keyboard: process.stdin,
    frame: () => [status()],
    heartbeat: status,
    onStop: interrupts.stop,
    onInterrupt: interrupts.interrupt,
    ellipsis: output.lookOfStderr.ellipsis,
    clock,
  })
  say = (text) => feed.say(text)
  for (const text of early) say(text)
  if (!flags.isSet('quiet')) output.next(`narrowcast sim bots ${serving.url}`)
  const told = new Promise<void>((done) => {
    if (stopping.aborted) done()
    else stopping.addEventListener('abort', () => done(), { once: true })
  })
  try {
    await Promise.race(serving.failed === null ? [told] : [told, serving.failed])
  } catch (error) {
    await serving.close()
    throw error
  } finally {
    feed.close()
    say = output.note
  }
  return await end(invocation, serving)
}

async function end({ output }: Invocation, serving: Serving): Promise<number> {
  const { stats, counts } = await serving.close()
  const { acked, dropped, kept } = counts
  const { died } = serving
  const deaths = died > 0 ? `; ${countOf(died, 'process')} died, whose last counts are missing` : ''
  await output.answer({
    type: 'sim.server.summary',
    fields: { ...totalsJson(stats), records: acked, dropped, kept, died },
    lines: () => [
      `${countOf(stats.started, 'game')} started, ${showCount(stats.complete)} won, ${showCount(stats.abandoned)} abandoned, ${countOf(stats.hits, 'hit')}; ${recordsText(counts)}${deaths}`,
    ],
  })
  return recordsCode(counts)
}

async function start(
  { bus, url, settings }: Connected,
  options: ServerOptions,
  processes: number,
  say: Say,
): Promise<Serving> {
  if (processes > 1) {
    const job = { url, config: settings.config, server: options }
    return await startMany({ count: processes, job, say })
  }
  const host = await openGameHost({ bus, url, server: options })
  host.game.on('error', (error) => say(`error ${error.message}`))
  host.game.on('state', ({ text }) => say(text))
  return {
    url: host.game.url,
    stats: () => host.game.stats(),
    died: 0,
    failed: null,
    close: () => host.close(),
  }
}

function statusLine(stats: ServerStats, upMs: number): string {
  const { connections, games, started, complete, hits } = stats
  return `${countOf(connections, 'connection')}  games ${showCount(games)} open, ${showCount(started)} started, ${showCount(complete)} won  hits ${showCount(hits)}   up ${showElapsed(upMs)}`
}
