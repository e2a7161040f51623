import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Sidecar } from './evidence.ts'
import { Ledger } from './ledger.ts'
import { readLedgers } from './readLedgers.ts'
import { readRecord, recordBytes } from './record.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'narrowcast-ledger-'))
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true, force: true })
})

const sidecar: Sidecar = {
  role: 'worker',
  actor: 3,
  incarnation: 2,
  pid: 4_711,
  group: 'mail',
  codes: ['HANDLER_FAILED'],
}
const message = { producer: 1, incarnation: 0, sequence: 9 }
const path = () => join(folder, 'w03.2.bin')

function recordsOf(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = Math.floor(bytes.byteLength / recordBytes)
  return Array.from({ length: count }, (_, at) => readRecord(view, at * recordBytes))
}

test('nobody else may read a ledger', () => {
  using ledger = new Ledger(folder, sidecar)
  ledger.write({ type: 'cut' }, 11n)
  const modes = readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777)
  expect(modes).toEqual([0o600, 0o600])
})

test('what was written is read, with who wrote it', async () => {
  {
    using ledger = new Ledger(folder, sidecar)
    ledger.write({ type: 'recv', message, key: 4, count: 2, position: 77n }, 10n)
    ledger.write({ type: 'cut' }, 11n)
  }
  {
    using relay = new Ledger(folder, { ...sidecar, role: 'relay', actor: 0, group: null })
    relay.write({ type: 'routed', message, target: 5, count: 1 }, 12n)
  }
  const [relayed, worked] = await readLedgers(folder)
  expect(worked?.sidecar).toEqual(sidecar)
  const nothing = { flags: 0, key: 0, count: 0, position: 0n }
  expect(recordsOf(worked?.bytes as Uint8Array)).toEqual([
    { type: 'recv', flags: 0, actor: 3, ...message, key: 4, count: 2, timeNs: 10n, position: 77n },
    {
      ...{ type: 'cut', actor: 3, producer: 65_535, incarnation: 0, sequence: 0 },
      ...{ ...nothing, timeNs: 11n },
    },
  ])
  expect(recordsOf(relayed?.bytes as Uint8Array)).toEqual([
    { ...nothing, type: 'routed', actor: 5, ...message, count: 1, timeNs: 12n },
  ])
})

test('an exact record is in the file when write returns', () => {
  using ledger = new Ledger(folder, sidecar)
  for (let count = 1; count <= 3; count++) {
    ledger.write({ type: 'done', message })
    expect(statSync(path()).size).toBe(count * recordBytes)
  }
})

test('batched records are in the file after 64 of them, after 5 ms, or at the end', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const size = () => statSync(path()).size / recordBytes
  {
    using ledger = new Ledger(folder, sidecar, 'batched')
    for (let count = 0; count < 63; count++) ledger.write({ type: 'done', message })
    expect(size()).toBe(0)
    ledger.write({ type: 'done', message })
    expect(size()).toBe(64)
    vi.advanceTimersByTime(4)
    ledger.write({ type: 'done', message })
    vi.advanceTimersByTime(4)
    expect(size()).toBe(64)
    vi.advanceTimersByTime(1)
    expect(size()).toBe(65)
    ledger.write({ type: 'done', message })
  }
  expect(size()).toBe(66)
})

test('every start of an actor has a ledger of its own, and nobody writes into another', () => {
  using first = new Ledger(folder, sidecar)
  using second = new Ledger(folder, { ...sidecar, incarnation: 3 })
  first.write({ type: 'done', message })
  second.write({ type: 'done', message })
  expect(readdirSync(folder)).toEqual(['w03.2.bin', 'w03.2.json', 'w03.3.bin', 'w03.3.json'])
  expect(() => new Ledger(folder, sidecar)).toThrow(/w03\.2\.bin.*EEXIST/)
})

test('a record for which there is no room ends the run, and is told', async () => {
  const script = `
    import { Ledger } from ${JSON.stringify(join(import.meta.dirname, 'ledger.ts'))}
    process.on('SIGXFSZ', () => {})
    const ledger = new Ledger(${JSON.stringify(folder)}, ${JSON.stringify(sidecar)})
    try {
      for (;;) ledger.write({ type: 'cut' })
    } catch ({ code, message, hint }) {
      process.stdout.write(JSON.stringify({ code, message, hint }))
    }`
  const program = join(folder, 'fill.mts')
  writeFileSync(program, script)
  const command = `ulimit -f 1; exec "$0" "$1"`
  // What it compiled would be a file, too.
  const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' }
  const words = ['-c', command, process.execPath, program]
  const { stdout } = await promisify(execFile)('sh', words, { env })
  expect(JSON.parse(stdout)).toEqual({
    code: 'DISK_FULL',
    message: expect.stringContaining(`no room for the ledger ${path()}: `),
    hint: expect.stringContaining('Make room'),
  })
})

test.for([
  ['of another start', (text: string) => text.replace('"incarnation":2', '"incarnation":1')],
  ['without a pid', (text: string) => text.replace('"pid":4711,', '')],
  ['cut', (text: string) => text.slice(0, 20)],
] as const)('a sidecar %s is an error that names it', async ([_, change]) => {
  new Ledger(folder, sidecar)[Symbol.dispose]()
  const file = join(folder, 'w03.2.json')
  writeFileSync(file, change(readFileSync(file, 'utf8')))
  await expect(readLedgers(folder)).rejects.toThrow(`the ledger ${join(folder, 'w03.2')} cannot be`)
})

test('a sidecar without its ledger is an error', async () => {
  new Ledger(folder, sidecar)[Symbol.dispose]()
  rmSync(path())
  await expect(readLedgers(folder)).rejects.toThrow('w03.2.bin')
})

test('a ledger without its sidecar is that of nobody while it is empty, and else an error', async () => {
  new Ledger(folder, sidecar)[Symbol.dispose]()
  const other = join(folder, 'w04.0.bin')
  writeFileSync(other, '')
  writeFileSync(join(folder, 'w04.0.part'), '{')
  expect(await readLedgers(folder)).toHaveLength(1)
  writeFileSync(other, new Uint8Array(recordBytes))
  await expect(readLedgers(folder)).rejects.toThrow(`the ledger ${other} has records`)
})
