import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type ThreadStream, threadHost } from './threadHost.ts'

class FakeThread extends EventEmitter implements ThreadStream {
  writable = true
  writableErrored: Error | null = null
  readonly lines: string[] = []
  isEnded = false
  write(line: string): boolean {
    this.lines.push(line)
    return true
  }
  flush(done: (error?: Error) => void): void {
    done()
  }
  end(): void {
    this.isEnded = true
    this.emit('close')
  }
  ref(): void {}
  die(first: 'error' | 'close' = 'error'): void {
    this.writable = false
    this.writableErrored = new Error('out of memory')
    if (first === 'close') this.emit('close')
    this.emit('error', this.writableErrored)
    if (first === 'error') this.emit('close')
  }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function setUp(start: (n: number) => FakeThread = () => new FakeThread()) {
  const threads: FakeThread[] = []
  const stderr: string[] = []
  const host = threadHost(
    () => {
      const thread = start(threads.length)
      threads.push(thread)
      return thread
    },
    (line) => {
      stderr.push(line)
      return true
    },
  )
  return { host, threads, stderr }
}

test('lines go to the worker, and to stderr while it is dead; it is started again', () => {
  const { host, threads, stderr } = setUp()
  host.write('1\n')
  threads[0]?.die()
  host.write('2\n')
  vi.advanceTimersByTime(100)
  host.write('3\n')
  expect(threads.map(({ lines }) => lines)).toEqual([['1\n'], ['3\n']])
  expect(stderr[0]).toContain('out of memory')
  expect(stderr[1]).toBe('2\n')
})

test.for(['error', 'close'] as const)(
  'why it is gone is told once, also where %s is first',
  (first) => {
    const { threads, stderr } = setUp()
    threads[0]?.die(first)
    expect(stderr).toEqual([expect.stringContaining('is gone (out of memory)')])
  },
)

test('restarts slow down to one in 30 s, and are quick again after a report', () => {
  const { threads, stderr } = setUp()
  for (let n = 0; n < 12; n++) {
    threads.at(-1)?.die()
    vi.advanceTimersByTime(30_000)
  }
  expect(threads).toHaveLength(13)
  expect(stderr.at(-1)).toContain('next start in 30000 ms')
  threads.at(-1)?.emit('stats', {})
  threads.at(-1)?.die()
  expect(stderr.at(-1)).toContain('next start in 100 ms')
})

test('a worker that cannot even be started does not end the host', () => {
  const { host, stderr } = setUp((n) => {
    if (n === 0) throw new Error('options cannot be cloned')
    return new FakeThread()
  })
  host.write('1\n')
  expect(stderr).toEqual([expect.stringContaining('cannot be cloned'), '1\n'])
})

test('close flushes, ends the worker, and starts no other; later lines go to stderr', async () => {
  const { host, threads, stderr } = setUp()
  await Promise.all([host.close(), host.close()])
  host.write('late\n')
  vi.advanceTimersByTime(60_000)
  expect(threads).toHaveLength(1)
  expect(threads[0]?.isEnded).toBe(true)
  expect(stderr).toEqual(['late\n'])
})

test('closing a dead worker ends as well', async () => {
  const { host, threads } = setUp()
  threads[0]?.die()
  await host.close()
  expect(threads).toHaveLength(1)
})
