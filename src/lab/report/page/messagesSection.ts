import { showClock, showCount } from '../amounts.ts'
import { Markup, markup } from '../figures/markup.ts'
import { messagesMax, type WorstMessages } from '../figures/worstMessages.ts'
import type { MessageTrail, TrailLine } from '../types.ts'
import { PackedMessages } from './packedMessages.ts'
import { tableOf } from './table.ts'

/** So many can be read without script. */
const plainMax = 32
/** Of a message with more records the first ones are shown. */
const linesMax = 64

export interface MessagesSection {
  readonly section: Markup
  /** For the script: the messages that are not in the section yet. */
  readonly data: Markup
}

/**
 * Each message opens its records: those of violated promises, then the worst of all others, as many
 * as fit into that many bytes.
 */
export function messagesSection(
  firsts: readonly MessageTrail[],
  { first, total }: WorstMessages,
  bytesMax: number,
): MessagesSection {
  const ids = new Set(firsts.map(({ id }) => id))
  const all = [...firsts, ...first.filter(({ id }) => !ids.has(id))]
  const plain = all.slice(0, plainMax).map(shortened).map(detailsOf)
  const plainBytes = plain.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
  const packed = new PackedMessages(bytesMax - plainBytes)
  const tooMany = all.slice(plainMax).findIndex((one) => !packed.add(shortened(one)))
  const shown = tooMany < 0 ? all.length : plainMax + tooMany
  const section = markup`<h2 id="odd">Messages that did not simply go well</h2><p>${sizeText(shown, total)}</p><div id="tools" hidden><label>Find <input id="find" type="search" placeholder="id, key, what became of it"></label> <span id="found" role="status"></span></div><div id="messages">${plain}</div><p><button id="more" type="button" hidden>Show more</button></p>`
  return { section, data: jsonScript('data', packed.text()) }
}

function sizeText(shown: number, total: number): string {
  if (total === 0 && shown === 0) return 'None.'
  const all = `${showCount(Math.max(shown, total))}, the worst first. Each opens what was written about it.`
  if (shown >= total) return all
  const written = Math.min(total, messagesMax)
  const history = written > shown ? `, ${showCount(written)} in history.ndjson` : ''
  return `${all} The first ${showCount(shown)} are on this page${history}; the ledgers have them all.`
}

function shortened(trail: MessageTrail): MessageTrail {
  const { lines } = trail
  const next = lines[linesMax]
  if (!next) return trail
  const detail = `${showCount(lines.length - linesMax)} records more, in the ledgers`
  const rest: TrailLine = { atMs: next.atMs, who: '', what: '…', detail }
  return { ...trail, lines: [...lines.slice(0, linesMax), rest] }
}

function detailsOf({ id, key, fates, lines }: MessageTrail): Markup {
  return markup`<details class="message" id="${id}"><summary><span class="id">${id}</span> ${key} ${fates.join(', ')}</summary>${tableOf(
    {
      caption: `Records of ${id}`,
      columns: ['Time', 'Who', 'What', ''],
      rows: lines.map(({ atMs, who, what, detail }) => [showClock(atMs), who, what, detail]),
    },
  )}</details>`
}

/** `json` holds nothing that could end the element, or begin another. */
function jsonScript(id: string, json: string): Markup {
  return markup`<script type="application/json" id="${id}">${new Markup(json)}</script>`
}
