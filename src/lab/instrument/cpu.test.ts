import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { cpuOf } from './cpu.ts'

/** Ends with the test. */
async function node(body: string): Promise<ChildProcess & { readonly pid: number }> {
  const script = `process.stdin.on('end', () => process.exit()); process.stdin.resume(); ${body}`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'spawn')
  return child as ChildProcess & { readonly pid: number }
}

const busyMicros = 300_000
const busy = `
  while (process.cpuUsage().user < ${busyMicros}) {}
  process.stdout.write('.')`
const idle = "process.stdout.write('.')"
const isTold = process.platform === 'linux'

test.skipIf(!isTold)('a busy process has used what it says, and goes on from there', async () => {
  const [worker, waiter] = await Promise.all([node(busy), node(idle)])
  await Promise.all(
    [worker, waiter].map(({ stdout }) => once(stdout as NodeJS.ReadableStream, 'data')),
  )
  const used = cpuOf([worker.pid, waiter.pid, process.pid])
  expect(used[0]).toBeGreaterThanOrEqual(busyMicros - 10_000)
  expect(used[1]).toBeLessThan(used[0] as number)
  const own = process.cpuUsage()
  expect(used[2]).toBeLessThanOrEqual(own.user + own.system + 20_000)
  expect(cpuOf([worker.pid])[0]).toBeGreaterThanOrEqual(used[0] as number)
})

test('a process that has ended is told apart from one that has used nothing', async () => {
  const child = await node(idle)
  child.stdin?.end()
  await once(child, 'exit')
  expect(cpuOf([child.pid])).toEqual([null])
})

test('a name may hold anything', () => {
  const stat = '7 (a) b (1 2 3) S 1 7 7 0 -1 4194560 500 0 0 0 12 34 56 78 20 0 1 0 99 0 0\n'
  expect(cpuOf([7], () => stat)).toEqual([460_000])
  expect(cpuOf([7], () => '7 (x) S 1')).toEqual([null])
  expect(cpuOf([7, 8], () => null)).toEqual([null, null])
})
