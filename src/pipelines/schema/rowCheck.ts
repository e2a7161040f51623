import type { StandardSchemaV1 } from '@standard-schema/spec'
import { NarrowcastError } from '../../core/errors.ts'
import { CellFault, optionalCheck } from './cells.ts'
import type { Cell, Column, Row, TableSchema } from './columnTypes.ts'

/** What is wrong with a row. `path` names the first cell at fault, '' the row as a whole. */
export interface RowFault {
  readonly path: string
  readonly message: string
}

export type CheckedRow = { readonly row: Row } | { readonly fault: RowFault }

/**
 * Makes the check of a table's rows: the schema first, then the range of every cell by its column,
 * so that no encoder has to wrap, round or leave out. Keys without a column do not travel.
 * @throws INVALID_ARGUMENT from the check when the schema validates asynchronously.
 */
export function rowCheck(
  table: TableSchema & { readonly schema: StandardSchemaV1 },
): (value: unknown) => CheckedRow {
  const standard = table.schema['~standard']
  const cells = cellsCheck(table.columns)
  return (value) => {
    const result = standard.validate(value)
    if (result instanceof Promise) throw asynchronous(table.name, result)
    if (result.issues) return { fault: firstIssue(result.issues) }
    return cells(result.value)
  }
}

/** The second half alone: cells by their columns. */
export function cellsCheck(columns: readonly Column[]): (value: unknown) => CheckedRow {
  const checks = columns.map(
    ({ name, type, nullable }) => [name, optionalCheck(type, nullable)] as const,
  )
  return (value) => {
    const row: Record<string, Cell> = {}
    try {
      for (const [name, check] of checks) {
        row[name] = check((value as Record<string, unknown>)[name], name)
      }
    } catch (error) {
      if (!(error instanceof CellFault)) throw error
      return { fault: { path: error.path, message: error.message } }
    }
    return { row }
  }
}

function firstIssue(issues: readonly StandardSchemaV1.Issue[]): RowFault {
  const [issue] = issues
  const path = (issue?.path ?? []).map((step) => (typeof step === 'object' ? step.key : step))
  const text = path.reduce<string>(
    (all, step) =>
      typeof step === 'number' ? `${all}[${step}]` : `${all}${all && '.'}${String(step)}`,
    '',
  )
  return { path: text, message: issue?.message ?? 'the schema refused it' }
}

function asynchronous(table: string, result: Promise<unknown>): NarrowcastError {
  // Its answer comes too late for anybody; a rejection must not end the process.
  result.catch(() => undefined)
  return new NarrowcastError(
    'INVALID_ARGUMENT',
    `table ${table}: the schema validates asynchronously; a row schema must answer at once`,
    { hint: 'what must be looked up goes into load, before transform' },
  )
}
