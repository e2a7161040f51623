import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { CpuWatch, perMessage } from './cpuWatch.ts'

/** Ticks of 10 ms by pid; absent: it has ended. */
const ticks = new Map<number, number>()

const read = (path: string) => {
  const pid = Number(/^\/proc\/(\d+)\/stat$/.exec(path)?.[1])
  const used = ticks.get(pid)
  return used === undefined ? null : `${pid} (x) S 1 1 1 0 -1 0 0 0 0 0 ${used} 0 0 0 20`
}

let watch: CpuWatch

beforeEach(() => {
  vi.useFakeTimers()
  ticks.clear()
  watch = new CpuWatch(read)
})

afterEach(() => {
  watch[Symbol.dispose]()
  vi.useRealTimers()
})

test('what was used before does not count, and users of one kind are added up', () => {
  for (const [pid, used] of [
    [1, 10],
    [2, 20],
    [3, 30],
  ] as const)
    ticks.set(pid, used)
  watch.add('worker', () => 1)
  watch.add('worker', () => 2)
  watch.add('lab', () => 3)
  expect(watch.used()).toEqual({ worker: 0, lab: 0 })
  ticks.set(1, 13)
  ticks.set(2, 24)
  expect(watch.used()).toEqual({ worker: 70_000, lab: 0 })
})

test('a process that has ended has used what was seen last', () => {
  ticks.set(1, 10)
  watch.add('producer', () => 1)
  ticks.set(1, 15)
  vi.advanceTimersByTime(200)
  ticks.delete(1)
  vi.advanceTimersByTime(1_000)
  expect(watch.used()).toEqual({ producer: 50_000 })
})

test('what is started anew counts from its beginning', () => {
  let pid: number | undefined = 1
  ticks.set(1, 10)
  watch.add('broker', () => pid)
  ticks.set(1, 15)
  vi.advanceTimersByTime(200)
  pid = undefined
  ticks.delete(1)
  vi.advanceTimersByTime(200)
  pid = 2
  ticks.set(2, 3)
  expect(watch.used()).toEqual({ broker: 80_000 })
})

test('who is not there, or where the system does not tell, uses nothing that is known', () => {
  watch.add('worker', () => 1)
  watch.add('broker', () => undefined)
  expect(watch.used()).toEqual({})
})

test('a message costs its share, where there was one', () => {
  expect(perMessage({ worker: 300, lab: 30 }, 10)).toEqual({ worker: 30, lab: 3 })
  expect(perMessage({ worker: 300 }, 0)).toEqual({})
})

test('it looks no more when it is over', () => {
  ticks.set(1, 10)
  watch.add('proxy', () => 1)
  watch[Symbol.dispose]()
  expect(vi.getTimerCount()).toBe(0)
})
