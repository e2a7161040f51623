import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { Children } from './children.ts'

/** It says that it is there, and ends in order when it is told to. */
const source = `
process.on('disconnect', () => process.exit(1))
process.on('message', ({ kind }) => {
  if (kind === 'drain') process.send({ kind: 'done' }, () => process.exit(0))
  else process.send({ kind: 'event', event: 'there' })
})`

test('one that has just died does not keep the others from ending in order', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'narrowcast-children-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await writeFile(join(dir, 'child.ts'), source)
  const pids: number[] = []
  const deaths: string[] = []
  const there = Promise.withResolvers<void>()
  let left = 3
  const children = new Children<object, string>({
    entry: pathToFileURL(join(dir, 'child')),
    ...{ count: left, job: {}, drainMs: 10_000 },
    onEvent: () => --left === 0 && there.resolve(),
    onStart: ({ pid }) => pids.push(pid),
    onDeath: ({ name }, why) => deaths.push(`${name} ${why}`),
  })
  onTestFinished(() => children.kill())
  await there.promise
  process.kill(pids[0] as number, 'SIGKILL')
  // Time in which it dies, and this process hears nothing of it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  expect(await Promise.race([children.failed, children.drain()])).toBe(0)
  expect(deaths).toEqual(['w1 SIGKILL'])
})
