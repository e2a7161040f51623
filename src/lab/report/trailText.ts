import { showClock } from './amounts.ts'
import { plain } from './plain.ts'
import type { MessageTrail, TrailLine } from './types.ts'

/** How the first of many is told: in one line, the times after the first as short as they can be. */
export function trailInBrief({ id, lines }: MessageTrail): string {
  let before = ''
  let isSent = false
  const steps = lines.map((line) => {
    const step = stepOf(line, isSent)
    isSent ||= line.what === 'INVOKE'
    const clock = showClock(line.atMs)
    const [minute] = clock.split('.')
    const time = minute === before ? clock.slice(clock.indexOf('.')) : clock
    before = minute as string
    return `${step} ${time}`
  })
  const isOver = lines.some(({ what }) => ['DONE', 'DEAD', 'LEFT'].includes(what))
  return [shortId(id), ...steps, ...(isOver ? [] : ['then nothing'])].join('  ')
}

/** All that is known of a message, a line for each record, as wide as its words. */
export function trailTable({ id, key, fates, lines }: MessageTrail): string[] {
  const cells = lines.map(({ atMs, who, what, detail }) => [showClock(atMs), who, what, detail])
  const widths = [0, 1, 2].map((at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)))
  const rows = cells.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const head = `${id}  key ${key}  ${fates.join(', ') || 'fine'}`
  return [head, ...rows.map((row) => `  ${row}`)].map(plain)
}

/** Without the name of its run. */
export function shortId(id: string): string {
  return /p\d+-i\d+-s\d+$/.exec(id)?.[0] ?? id
}

function stepOf({ who, what, detail }: TrailLine, isSent: boolean): string {
  switch (what) {
    case 'INVOKE':
      return isSent ? 'sent again' : 'sent'
    case 'OK':
      return 'ok'
    case 'FAIL':
      return 'refused'
    case 'INFO':
      return 'unknown'
    case 'ROUTED':
    case 'REROUTED':
      return `${what.toLowerCase()} ${shortName(detail.replace('to ', ''))}`
    case 'DEAD':
      return 'dead'
    case 'LEFT':
      return 'left in the broker'
    case 'LOST':
      return `no longer of ${shortName(who)}`
    case 'SETTLED':
      return `${detail} ${shortName(who)}`
    case 'BROKER_DOWN':
      return `broker ${detail}`
    case 'BROKER_UP':
      return 'broker up'
    default:
      return `${what} ${shortName(who)}`
  }
}

/** `w3` for `w03.0`, `w3.2` for a later start. */
export function shortName(ledger: string): string {
  const [, letter, actor, start] = /^([a-z])0*(\d+)\.(\d+)$/.exec(ledger) ?? []
  if (letter === undefined) return ledger
  return `${letter}${actor}${start === '0' ? '' : `.${start}`}`
}
