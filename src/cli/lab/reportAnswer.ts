import { markdownOf } from '../../lab/report/markdown.ts'
import { textOf } from '../../lab/report/text.ts'
import type { Report } from '../../lab/report/types.ts'
import type { Output } from '../output/output.ts'
import type { Json } from '../output/table.ts'

const exits = { KEPT: 0, BROKEN: 8, INCONCLUSIVE: 9 } as const

export function exitOf({ verdict }: Report): number {
  return exits[verdict.status]
}

/** Of several: a lab error, then BROKEN, then INCONCLUSIVE, then KEPT. */
export function worst(codes: readonly number[]): number {
  return [1, 8, 9].find((code) => codes.includes(code)) ?? 0
}

/** On stdout: the report as it is in its file, or its text. */
export async function showReport(output: Output, report: Report): Promise<void> {
  const { v: _v, type, ...fields } = report
  await output.answer({
    type,
    fields: fields as unknown as Readonly<Record<string, Json>>,
    lines: () => textOf(report),
    markdown: () => markdownOf(report),
  })
}
