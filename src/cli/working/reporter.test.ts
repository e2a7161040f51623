import { expect, test } from 'vitest'
import type { GapWhy } from '../../core/driver.ts'
import type { Count } from '../../core/message.ts'
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

test('what is missed is told at once, then once a second, and after the end no more', async () => {
  const lines: string[] = []
  const feed = { say: (text: string) => lines.push(text), changed: () => undefined }
  const crew = { feed } as unknown as Crew
  const sleeps: (() => void)[] = []
  const clock = { sleep: () => new Promise<void>((wake) => sleeps.push(wake)) }
  const lookOfStderr = { paint: (_: string, text: string) => text }
  const reporter = new Reporter({ clock, output: { lookOfStderr } } as unknown as Invocation)
  const miss = (missed: Count, why: GapWhy = 'overflow') =>
    reporter.take(crew, {} as ChildInfo, {
      ...{ kind: 'tick', settled: [], now: [], gaps: [{ missed, why }] },
    })
  const second = async () => {
    sleeps.shift()?.()
    await new Promise(setImmediate)
  }
  miss(3)
  expect(lines).toEqual([expect.stringMatching(/^missed 3 messages: overflow/)])
  miss(4)
  miss(5)
  miss('unknown', 'reconnect')
  expect(lines).toHaveLength(1)
  await second()
  expect(lines.slice(1)).toEqual([
    expect.stringMatching(/^missed 9 messages: overflow/),
    expect.stringMatching(/^missed an unknown number of messages: reconnect/),
  ])
  await second()
  miss(1)
  expect(lines).toHaveLength(4)
  miss(2)
  reporter.close()
  await second()
  expect(lines).toHaveLength(4)
})
