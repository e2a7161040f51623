import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { root } from '../../scripts/start.ts'
import { connect } from '../../src/index.ts'

const source = (path: string) => pathToFileURL(join(root, 'src', path)).href
const entries: Readonly<Record<string, string>> = {
  narrowcast: source('index.ts'),
  'narrowcast/testing': source('testing/index.ts'),
}

/** Writes the one program of a page that holds `mark` into a folder of its own. */
async function programOf(
  page: string,
  mark: string,
  change = (code: string) => code,
): Promise<{ cwd: string }> {
  const text = await readFile(join(root, 'docs', page), 'utf8')
  const found = [...text.matchAll(/```ts\n(.*?)```/gs)].filter(([, code]) => code?.includes(mark))
  expect(found, mark).toHaveLength(1)
  const cwd = await mkdtemp(join(tmpdir(), 'narrowcast-page-'))
  onTestFinished(() => rm(cwd, { recursive: true }))
  const program = String(found[0]?.[1])
  const code = program.replace(/from '(narrowcast[^']*)'/g, (_, name) => `from '${entries[name]}'`)
  await writeFile(join(cwd, 'program.mts'), change(code))
  return { cwd }
}

const run = promisify(execFile)

test('docs/testing.md: what was at work comes again, what is done does not', async () => {
  const at = await programOf('testing.md', 'crashRestart')
  expect(await run(process.execPath, ['program.mts'], at)).toEqual({ stdout: '', stderr: '' })
})

test('docs/channels.md: five thousand by each way, and none is refused', async () => {
  const at = await programOf('channels.md', 'publishMany')
  const told = { stdout: '0 refused\n', stderr: '' }
  expect(await run(process.execPath, ['program.mts'], at)).toEqual(told)
})

/** Starts it, and resolves when it has worked on an order; `stdout` grows. */
async function serving({ cwd }: { cwd: string }): Promise<{ child: ChildProcess; out: string[] }> {
  const child = spawn(process.execPath, ['program.mts'], { cwd })
  onTestFinished(() => void child.kill('SIGKILL'))
  const out: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text) => out.push(text))
  child.stdout.setEncoding('utf8').on('data', (text) => out.push(text))
  await using bus = await connect(`file:${join(cwd, 'store')}`)
  await bus.queue('orders').publish({ id: 42 })
  while (!out.join('').includes('order 42 billed\n')) await once(child.stdout, 'data')
  return { child, out }
}

const wait = /^await Promise\.race.*\n/m
const isUnix = process.platform !== 'win32'

test.runIf(isUnix)('docs/channels.md: a service works until it is told to end', async () => {
  const { child, out } = await serving(await programOf('channels.md', 'here the bus is closed'))
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
  expect(out.join('')).toBe('order 42 billed\n')
})

test('docs/channels.md: without its wait it ends at once, and says nothing', async () => {
  const at = await programOf('channels.md', 'here the bus is closed', (code) => {
    expect(code).toMatch(wait)
    return code.replace(wait, '')
  })
  expect(await run(process.execPath, ['program.mts'], at)).toEqual({ stdout: '', stderr: '' })
})

test.runIf(isUnix)('docs/channels.md: a service with probes answers, and ends', async () => {
  const at = await programOf('channels.md', 'httpProbe', (code) =>
    code.replace('listen(8080)', 'listen(0, () => console.log(`${server.address().port} `))'),
  )
  const { child, out } = await serving(at)
  const port = /^(\d+) $/m.exec(out.join(''))?.[1]
  for (const path of ['livez', 'readyz', 'else']) {
    const { status } = await fetch(`http://localhost:${port}/${path}`)
    expect([path, status]).toEqual([path, path === 'else' ? 404 : 200])
  }
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})
