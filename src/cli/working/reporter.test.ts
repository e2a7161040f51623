import { expect, test } from 'vitest'
import type { ChildInfo } from '../children/children.ts'
import type { Crew } from '../children/crew.ts'
import type { Invocation } from '../invocation.ts'
import { Reporter } from './reporter.ts'

test.for([
  [0, 'late  a  finished after its ownership ended'],
  [1_500, 'late  a  finished 1.5 s after its ownership ended'],
] as const)('late by %i ms is shown where it is known', ([overdueMs, line]) => {
  const lines: string[] = []
  const crew = { message: (_: string, text: string) => lines.push(text) } as unknown as Crew
  new Reporter({} as Invocation).take(crew, {} as ChildInfo, { kind: 'late', id: 'a', overdueMs })
  expect(lines).toEqual([line])
})
