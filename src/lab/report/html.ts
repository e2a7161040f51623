import { createHash } from 'node:crypto'
import { showCount } from './amounts.ts'
import { type Drawing, inlineSvg } from './figures/drawing.ts'
import { drawingsOf } from './figures/figures.ts'
import { type Markup, markup } from './figures/markup.ts'
import { definitions } from './figures/palette.ts'
import type { PictureData } from './figures/pictureData.ts'
import { factsSection } from './page/facts.ts'
import { messagesSection } from './page/messagesSection.ts'
import {
  bandsTable,
  countsTable,
  latencyTable,
  promisesTable,
  recoveryTable,
} from './page/resultTables.ts'
import { pageScript } from './page/script.ts'
import { pageStyle } from './page/style.ts'
import { tableOf } from './page/table.ts'
import { verdictCard, warnings } from './page/verdictCard.ts'
import type { Report } from './types.ts'

/** With some room below the megabyte. */
const bytesMax = 940_000

/**
 * `report.html`: one file that asks no network for anything, smaller than 1 MB. It is read without its
 * script; the script adds the theme button and the messages beyond the first 32.
 */
export function htmlOf(report: Report, pictures: PictureData): string {
  const head = headOf(report)
  const figures = markup`${drawingsOf(pictures).map(figureOf)}${faultTables(report, pictures)}`
  const facts = factsSection(report)
  const tables = markup`${verdictCard(report)}${warnings(report)}<h2>Promised against measured</h2>${promisesTable(report)}${countsTable(report)}<h2>Latency</h2>${latencyTable(report)}`
  const rest = [head, figures, facts, tables, pageScript]
  const restBytes = rest.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
  const { firsts } = report
  const { section, data } = messagesSection(firsts, pictures.messages, bytesMax - restBytes)
  return markup`<!doctype html><html lang="en">${head}<main>${tables}<h2>Over time</h2>${figures}${section}${facts}</main>${data}<script>${pageScript}</script></body></html>\n`
    .text
}

/** Until the header of the body. */
function headOf({ spec, seed, contract, verdict, startedAt }: Report): Markup {
  const profile = spec.profile === 'default' ? '' : ` @${spec.profile}`
  const subject = `${spec.backend} ${spec.pattern}${profile}`
  const { messages, perSecond, producers, workers } = spec.load
  const started = startedAt.slice(0, 19).replace('T', ' ')
  return markup`<head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer"><link rel="icon" href="data:,"><title>${verdict.status} ${spec.scenario} on ${subject}</title><style>${pageStyle}</style></head><body><svg class="defs" width="0" height="0" aria-hidden="true" focusable="false">${definitions}</svg><header><div><h1>${spec.scenario}: ${spec.title}</h1><p>${subject}, ${contract.delivery.replaceAll('-', ' ')}, channel <span class="id">${spec.channel.name}</span></p><p class="quiet">${showCount(messages)} messages at ${showCount(perSecond)}/s, producers: ${producers}, workers: ${workers}, seed ${seed}, ${started} UTC</p></div><button id="theme" type="button" hidden>Light or dark</button></header>`
}

function figureOf(drawing: Drawing): Markup {
  const { name, title, summary, table } = drawing
  return markup`<figure id="${name}"><h3>${title}</h3><figcaption>${summary}</figcaption><div class="scroll" tabindex="0" role="region" aria-label="${title}">${inlineSvg(drawing)}</div>${
    table.rows.length === 0
      ? null
      : markup`<details><summary>As a table</summary>${tableOf(table)}</details>`
  }</figure>`
}

function faultTables({ groups }: Report, { bands }: PictureData): Markup {
  if (bands.length === 0) return markup``
  const tables = groups?.map((group) => recoveryTable(group)) ?? [bandsTable(bands)]
  return markup`<h2>Faults</h2>${tables}`
}

function hashOf({ text }: Markup): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

/** Nothing is loaded, and nothing runs but this script. */
const policy = [
  "default-src 'none'",
  `script-src ${hashOf(pageScript)}`,
  `style-src ${hashOf(pageStyle)}`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')
