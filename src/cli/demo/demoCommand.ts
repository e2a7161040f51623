import { redactUrl } from '../../core/url.ts'
import { packageVersion } from '../../runtime/packageVersion.ts'
import { demoPlan, gamesOf } from '../../simulator/plan.ts'
import { loadSettings } from '../config/settings.ts'
import { isDryRun } from '../consent.ts'
import type { Invocation } from '../invocation.ts'
import { type Feed, makeFeed } from '../output/feed.ts'
import { showDuration } from '../output/quantities.ts'
import { frame } from './frame.ts'
import { Ledger } from './ledger.ts'
import { makePlace, type Place, shownPath } from './place.ts'
import { channelName, type DemoSettings, playersCount, runDemo, workerNames } from './runDemo.ts'
import { checkUrl, type Setting, settingOf } from './setting.ts'
import { clockText, Story } from './story.ts'
import { type DemoResult, exitCodes, fancyLines, plainLines, resultFields } from './verdict.ts'

const wantedDir = '.narrowcast/demo'
const playMsDefault = 22_000

/** `narrowcast demo`: the proof in half a minute. The exit code is the verdict. */
export async function demo(invocation: Invocation): Promise<number> {
  const { flags, output, clock, interrupts, env } = invocation
  const seed = flags.whole('seed', { max: 2 ** 31 }) ?? 7
  const port = flags.whole('port', { max: 65_535 }) ?? 0
  const playMs = flags.durationMs('play') ?? playMsDefault
  const startMs = clock.monotonicMs()
  const elapsedMs = () => clock.monotonicMs() - startMs
  const given = flags.isSet('url') ? (await loadSettings(invocation)).url.value : null
  if (given !== null) checkUrl(given)
  const folder = flags.text('dir') ?? wantedDir
  const would = `would play games for ${showDuration(playMs)}, kill a worker, and write below ${folder}`
  if (await isDryRun(invocation, would)) return 0
  const place = makePlace(folder)
  const setting = settingOf(given, place.dir)
  const signal = interrupts.claim()
  const ledger = new Ledger()
  let killedMs: number | null = null
  const feed = openFeed(invocation, ledger, elapsedMs, setting, () => killedMs)
  const isFancy = output.stderrIsTerminal
  const story = new Story({ feed, ledger, isFancy, elapsedMs, leaseMs: setting.leaseMs })
  tellStart(feed, isFancy, place, setting, seed)
  const settings: DemoSettings = {
    ...{ seed, port, playMs, setting, clock, elapsedMs, signal },
    dir: place.dir,
    shownDir: shownPath(`${place.dir}/data`),
    bug: env.NARROWCAST_DEMO_BUG === 'ack-before-write' ? 'ack-before-write' : null,
  }
  try {
    const result = await runDemo(settings, {
      ledger,
      story,
      changed: () => feed.changed(),
      killed: (wallMs) => {
        killedMs = wallMs
      },
      trouble: (text) => story.tell(`trouble: ${text}`, `trouble ${text}`),
    })
    feed.close()
    await showResult(invocation, result)
    return exitCodes[result.verdict]
  } catch (error) {
    feed.close()
    // Whatever fails once everything is being stopped has failed because of that.
    if (!signal.aborted) throw error
    const { finished, acked, leased } = ledger.totals
    const seconds = Math.floor(elapsedMs() / 1_000)
    output.note(
      `stopped after ${seconds} s: ${finished} games, ${acked} acked, ${leased} leased; nothing verified`,
    )
    return interruptedExit
  }
}

const interruptedExit = 130

function openFeed(
  { live, output, interrupts, clock }: Invocation,
  ledger: Ledger,
  elapsedMs: () => number,
  { leaseMs }: Setting,
  killedMs: () => number | null,
): Feed {
  const gamesPlanned = gamesOf(demoPlan(0))
  const look = output.lookOfStderr
  return makeFeed({
    live,
    quiet: output.quiet,
    screen: process.stderr,
    keyboard: process.stdin,
    frame: (columns) =>
      frame({
        ...{ ledger, look, columns, gamesPlanned, leaseMs },
        elapsedMs: elapsedMs(),
        nowMs: clock.wallMs(),
        players: playersCount,
        channel: channelName,
        killedMs: killedMs(),
      }),
    heartbeat: () => {
      const { finished, acked, leased, waiting } = ledger.totals
      return `${clockText(elapsedMs())} games ${finished}/${gamesPlanned} acked ${acked} leased ${leased} waiting ${waiting}`
    },
    onStop: () => interrupts.stop(),
    onInterrupt: () => interrupts.interrupt(),
    ellipsis: look.ellipsis,
  })
}

function tellStart(
  feed: Feed,
  isFancy: boolean,
  place: Place,
  setting: Setting,
  seed: number,
): void {
  if (place.instead !== null) feed.say(place.instead)
  const store = shownUrl(setting.url)
  const workers = workerNames.length
  if (!isFancy) {
    feed.say(
      `narrowcast ${packageVersion()} demo seed ${seed} players ${playersCount} workers ${workers} store ${store}`,
    )
    return
  }
  const node = process.versions.node.split('.').slice(0, 2).join('.')
  feed.say(
    `narrowcast ${packageVersion()} demo. Promise: each game lands once, though we kill a worker.`,
  )
  feed.say(
    `store ${store}  seed ${seed}  ${playersCount} players  ${workers} workers  Node ${node}`,
  )
}

function shownUrl(url: string): string {
  const [place = '', options = ''] = redactUrl(url).split('?')
  const others = options.split('&').filter((option) => option !== '' && option !== 'lease=5s')
  const path = place.startsWith('file:') ? shownPath(decodeURI(place.slice(5))) : null
  const shown = path === null ? place : `file:${path.startsWith('/') ? '' : './'}${path}`
  return others.length > 0 ? `${shown}?${others.join('&')}` : shown
}

async function showResult({ output, env }: Invocation, result: DemoResult): Promise<void> {
  const isTerminal = process.stdout.isTTY === true
  await output.answer({
    type: 'demo.result',
    fields: resultFields(result),
    lines: () =>
      isTerminal
        ? fancyLines(result, output.look, nextLines(output.width, env))
        : plainLines(result),
  })
}

/** Two commands that run as they stand, however this one was started. */
function nextLines(width: number, env: Invocation['env']): string[] {
  const isFromSources = import.meta.url.endsWith('.ts')
  const asPackage = env.npm_command === 'exec' ? 'npx narrowcast' : 'narrowcast'
  const program = isFromSources ? 'npm run -s narrowcast --' : asPackage
  const publish = `${program} publish hello '{"n":1}'`
  const work = `${program} work hello --exec cat`
  const together = ` Next     ${publish}   then   ${work}`
  return together.length <= width ? [together] : [` Next     ${publish}`, `          ${work}`]
}
