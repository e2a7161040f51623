import { z } from 'zod'
import { NarrowcastError } from '../../core/errors.ts'
import { reportSchema } from './schema.ts'
import type { Report } from './types.ts'

/** `report.json` */
export function reportJson(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`
}

/** The JSON Schema of a report. Fields are only ever added, so it allows more of them. */
export function reportJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(reportSchema, { io: 'input' }), title: 'lab.report' }
}

/**
 * What somebody says is a `report.json`. `name`: of the file, for who reads the error.
 * @throws INVALID_ARGUMENT for what is none, or not as it was written.
 */
export function readReport(text: string, name = 'report.json'): Report {
  const value = parsed(text, name)
  const { type, v } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Report>
  if (type !== 'lab.report') {
    throw refused(name, `its type is ${JSON.stringify(type) ?? 'missing'}, expected "lab.report"`)
  }
  if (v !== 1) throw refused(name, `its version is ${JSON.stringify(v) ?? 'missing'}, expected 1`)
  const { success, data, error } = reportSchema.safeParse(value)
  if (success) return data
  const [issue] = error.issues
  const where = issue?.path.join('.') ?? ''
  throw refused(name, `${where}: ${issue?.message ?? 'wrong'}`)
}

function parsed(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw refused(name, 'it is no JSON', cause)
  }
}

function refused(name: string, why: string, cause?: unknown): NarrowcastError {
  return new NarrowcastError('INVALID_ARGUMENT', `lab: ${name} is no lab report: ${why}`, {
    operation: 'read a lab report',
    hint: 'Its page is another file: narrowcast lab open. The line in command.txt repeats the run.',
    ...(cause !== undefined && { cause }),
  })
}
