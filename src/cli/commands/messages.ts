import type { Stored } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { connectTo, existingChannel } from '../connection.ts'
import { askName, ifExists, isDryRun } from '../consent.ts'
import type { Run } from '../invocation.ts'
import { beginningAt } from '../messages/begin.ts'
import { storedFilter } from '../messages/facts.ts'
import { findMessage } from '../messages/find.ts'
import { checkWord } from '../messages/named.ts'
import { parsePlace } from '../messages/place.ts'
import { storedPages } from '../messages/scan.ts'
import { shortId, stateText, storedColumns, storedJson } from '../messages/view.ts'
import { dataLines, headLines } from '../messages/whole.ts'
import { makeProgress } from '../output/progress.ts'
import { showCount, showDuration } from '../output/quantities.ts'

/** `messages ls CHANNEL`: one page. */
export const ls: Run = async (invocation) => {
  const { flags, output, clock, args } = invocation
  const limit = flags.whole('limit', { min: 1, max: 1_000 }) ?? 20
  const from = flags.text('from')
  const cursor = flags.text('cursor') ?? null
  const place = from === undefined ? 'first' : parsePlace('--from', from, clock.wallMs())
  await using connected = await connectTo(invocation, { look: true })
  const channel = await existingChannel(invocation, connected, args[0] as string)
  const page = await connected.bus.admin.peek(channel, {
    from: await beginningAt(connected.bus, channel, place),
    newestFirst: from === undefined,
    cursor,
    limit,
  })
  await output.list({
    type: 'messages.ls',
    columns: storedColumns(clock.wallMs()),
    rows: page.items,
    item: storedJson,
    fields: { cursor: page.cursor },
    ifEmpty: `${channel.name} holds no messages`,
  })
  if (page.cursor !== null) output.next(`repeat with --cursor ${page.cursor}`)
}

/** `messages show CHANNEL ID` */
export const show: Run = async (invocation) => {
  await using connected = await connectTo(invocation, { look: true })
  const channel = await existingChannel(invocation, connected, invocation.args[0] as string)
  const word = invocation.args[1] as string
  const stored = await findMessage(invocation, connected, channel, word)
  const { position, failures, crashes, redrives, worker } = stored
  await invocation.output.answer({
    type: 'messages.show',
    fields: { channel: channel.name, ...storedJson(stored) },
    lines: () => [
      ...headLines(stored.message, invocation),
      `position  ${position ?? '-'}`,
      `state     ${stateText(stored)}, attempt ${failures + 1}, crashes ${showCount(crashes)}, redrives ${redrives}`,
      ...(worker ? [`worker    ${worker}`] : []),
    ],
    data: () => dataLines(stored.message),
  })
}

/** `messages search CHANNEL`: bounded by time and matches, and can be continued. */
export const search: Run = async (invocation) => {
  const { flags, output, clock, args, live } = invocation
  const where = flags.text('where')
  if (where === undefined) {
    throw new NarrowcastError('INVALID_ARGUMENT', 'messages search needs --where', {
      hint: `For example: --where 'data.n > 90'`,
    })
  }
  const fits = storedFilter(where)
  const limit = flags.whole('limit', { min: 1 }) ?? 100
  const budgetMs = flags.durationMs('budget') ?? 2_000
  await using connected = await connectTo(invocation, { look: true })
  const channel = await existingChannel(invocation, connected, args[0] as string)
  const [depth] = await connected.bus.admin.depths([channel])
  const total = typeof depth?.stored === 'number' ? depth.stored : null
  const beganMs = clock.monotonicMs()
  const found: Stored[] = []
  const progress = makeProgress(output, 'searching', total, { live })
  let scanned = 0
  let cursor: string | null = flags.text('cursor') ?? null
  const query = { from: 'first', newestFirst: true, cursor } as const
  const stopping = invocation.interrupts.claim()
  let pageBegin = cursor
  for await (const page of storedPages(connected.bus, channel, query)) {
    const cut = endOfMatches(page.items, fits, limit - found.length)
    const items = page.items.slice(0, cut)
    scanned += items.length
    found.push(...items.filter(fits))
    cursor = page.cursor
    if (cut < page.items.length) {
      // Where the next search begins: right after the last match that was wanted.
      const again = { from: 'first', newestFirst: true, cursor: pageBegin, limit: cut } as const
      cursor = (await connected.bus.admin.peek(channel, again)).cursor
    }
    pageBegin = cursor
    progress.update(scanned)
    const isOver = clock.monotonicMs() - beganMs >= budgetMs
    if (isOver || found.length >= limit || stopping.aborted) break
  }
  progress.end()
  const tookMs = clock.monotonicMs() - beganMs
  await output.list({
    type: 'messages.search',
    columns: storedColumns(clock.wallMs()),
    rows: found,
    item: storedJson,
    fields: { scanned, stored: total, cursor, took_ms: Math.round(tookMs) },
    ifEmpty: '',
  })
  const of = total === null ? '' : ` of ${showCount(total)}`
  const why = found.length >= limit ? 'limit' : stopping.aborted ? 'interrupted' : 'budget'
  const end = cursor === null ? '' : ` (${why})`
  output.note(
    `scanned ${showCount(scanned)}${of} in ${showDuration(tookMs)}${end}, newest first, ${found.length} matches${cursor === null ? '' : ' so far'}`,
  )
  if (cursor === null) return
  const more = { limit: ', or raise --limit', budget: ', or raise --budget 30s' }
  output.next(`repeat with --cursor ${cursor}${why === 'interrupted' ? '' : more[why]}`)
}

/** How many items to take so that no more than `max` of them fit. */
function endOfMatches(
  items: readonly Stored[],
  fits: (stored: Stored) => boolean,
  max: number,
): number {
  let matches = 0
  for (const [at, item] of items.entries()) {
    if (fits(item)) matches++
    if (matches === max) return at + 1
  }
  return items.length
}

/** `messages rm CHANNEL ID`: of several with one id, the oldest. */
export const rm: Run = (invocation) =>
  ifExists(invocation, async () => {
    const { args, output } = invocation
    const [name, id] = args as [string, string]
    checkWord('message', name, id)
    await using connected = await connectTo(invocation, { look: true })
    const channel = await existingChannel(invocation, connected, name)
    if (await isDryRun(invocation, `would remove message ${id} of ${name}`)) return
    await askName(invocation, `Remove message ${id} of ${name}?`, name)
    if (!(await connected.bus.admin.removeMessage(channel, id))) {
      throw new NarrowcastError(
        'NOT_FOUND',
        `"${name}" holds no message ${id} that nobody has in hand`,
        { channel: name, hint: `narrowcast messages ls ${name} -o wide prints whole ids` },
      )
    }
    const left = (await connected.bus.admin.message(channel, id)) !== null
    await output.answer({
      type: 'messages.rm',
      fields: { channel: name, id, removed: true, left },
      lines: () => [`removed ${shortId(id)} of ${name}`],
    })
    if (left) output.note(`another message of this id is left; the same command removes it`)
  })
