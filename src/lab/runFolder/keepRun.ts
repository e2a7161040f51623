import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Evidence } from '../evidence/evidence.ts'
import { ledgerName } from '../evidence/sidecar.ts'
import { pictureDataOf } from '../report/figures/pictureData.ts'
import { historyOf } from '../report/history.ts'
import { htmlOf } from '../report/html.ts'
import { reportJson } from '../report/json.ts'
import { markdownOf } from '../report/markdown.ts'
import type { Report } from '../report/types.ts'
import type { RunResult } from '../run/result.ts'
import { depthFile, eventsFile, evidenceLine } from './evidenceLines.ts'
import type { RunFolder } from './runFolder.ts'

/** Who has it finds the run finished: it is written last. */
export const reportFile = 'report.json'
export const pageFile = 'report.html'

/** Writes all that a finished run leaves, beside its ledgers. */
export async function keepRun(folder: RunFolder, result: RunResult, report: Report): Promise<void> {
  const { evidence, zeroNs, plan } = result
  const isBroadcast = plan.channel.pattern === 'broadcast'
  const source = { evidence, zeroNs, run: plan.run.name, isBroadcast }
  await folder.write(eventsFile, linesOf(evidence.events.map(evidenceLine)))
  await folder.write(depthFile, linesOf(evidence.depth.map(evidenceLine)))
  await folder.write('history.ndjson', historyOf(source))
  await keepLedgers(folder, evidence)
  await folder.finish()
  await folder.write('report.md', markdownOf(report))
  await folder.write(pageFile, htmlOf(report, pictureDataOf(result)))
  await folder.write(reportFile, reportJson(report))
}

/** Actors that live inside the lab have written theirs nowhere. */
async function keepLedgers({ ledgers: path }: RunFolder, { ledgers }: Evidence): Promise<void> {
  if ((await readdir(path)).length > 0) return
  for (const { sidecar, bytes } of ledgers) {
    const name = join(path, ledgerName(sidecar))
    await writeFile(`${name}.json`, `${JSON.stringify(sidecar)}\n`, { mode: 0o600 })
    await writeFile(`${name}.bin`, bytes, { mode: 0o600 })
  }
}

function linesOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}
