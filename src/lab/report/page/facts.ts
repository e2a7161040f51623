import { showCount, showMs } from '../amounts.ts'
import { type Markup, markup } from '../figures/markup.ts'
import type { Report } from '../types.ts'
import { type Cell, tableOf } from './table.ts'

/** What it takes to judge the figures, and to see them again. */
export function factsSection(report: Report): Markup {
  const { tool, broker, machine, seed, command, instrument, startedAt, endedAt, runId } = report
  const { guardMs, ledgerMode, ceilingPerSecond, cpuMicrosPerMessage } = instrument
  const { commit, dirty } = tool
  const { load, channel } = report.spec
  const changed = dirty === true ? ', with changes' : ''
  return markup`<h2>How it was measured</h2><pre><code>${command}</code></pre>${tableOf({
    caption: 'The run',
    columns: [],
    rows: [
      ['run', runId],
      ['from', startedAt],
      ['until', endedAt],
      ['seed', String(seed)],
      ['narrowcast', `${tool.version}${commit === null ? '' : `, commit ${commit}${changed}`}`],
      ['broker', `${broker.version}, ${broker.how}`],
      ['its settings, SHA-256', broker.configSha256 ?? 'not told'],
      ['ledgers', `${ledgerMode}, guard ${showMs(guardMs)}`],
      [
        'the lab alone',
        ceilingPerSecond === null
          ? 'not measured'
          : `${showCount(ceilingPerSecond)} messages a second`,
      ],
    ],
  })}${details('Load and channel', [...rowsOf(load), ...rowsOf(channel)])}${details('Processor time for each message, in µs', cpuRows(cpuMicrosPerMessage))}${details('The machine', rowsOf(machine))}${details('Settings of the broker', rowsOf(broker.config ?? {}))}${details('The contract in force', rowsOf(report.contract))}`
}

function cpuRows(used: Report['instrument']['cpuMicrosPerMessage']): Cell[][] {
  return Object.entries(used).map(([user, micros]) => [user, { number: showCount(micros) }])
}

function rowsOf(values: object): Cell[][] {
  return Object.entries(values).map(([name, value]) => [name, textOf(value)])
}

function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}

function details(caption: string, rows: readonly (readonly Cell[])[]): Markup {
  if (rows.length === 0) return markup``
  return markup`<details><summary>${caption}</summary>${tableOf({ caption, columns: [], rows })}</details>`
}
