import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { memory } from '../../src/drivers/memory/index.ts'
import { type Bus, connect } from '../../src/index.ts'
import { cliWorld } from './cliRun.ts'

const main = resolve(import.meta.dirname, '../../src/cli/main.ts')
const channel = { name: 'jobs', pattern: 'queue' } as const
const page = { cursor: null, limit: 10, newestFirst: false }

/** Every byte; a text cut inside of a character; nothing; text that is no JSON; two marks of byte order. */
const bodies = [
  Uint8Array.from({ length: 256 }, (_, byte) => byte),
  Uint8Array.of(0xff, 0xfe, 0x7b, 0x22, 0xe2, 0x82),
  new Uint8Array(0),
  new TextEncoder().encode('{"n": 1,}\r\n\0'),
  new TextEncoder().encode('\ufeff\ufeff{"n":1}'),
]
const lists = (all: readonly Uint8Array[]) => all.map((one) => [...one])

async function publishAll(bus: Bus): Promise<void> {
  const raw = bus.queue('jobs', { codec: 'bytes' })
  for (const [n, body] of bodies.entries()) await raw.publish(body, { id: `b${n}`, key: 'k' })
}

/** A worker that expects JSON: what it cannot read is put aside, never acknowledged away. */
async function letBeInvalid(bus: Bus, count: number): Promise<void> {
  let ran = 0
  const worker = bus.queue('jobs').subscribe(() => void ran++)
  worker.on('error', () => {})
  let died = 0
  await new Promise<void>((done) => worker.on('dead', () => void (++died === count && done())))
  await worker.drain()
  expect(ran).toBe(0)
}

/** The bytes that a worker is handed, in the order of their ids. */
async function consume(bus: Bus): Promise<{ bytes: number[][]; redrives: number[] }> {
  const got: { id: string; data: Uint8Array; redrives: number }[] = []
  const worker = bus.queue('jobs', { codec: 'bytes' }).subscribe((data, { message, redrives }) => {
    got.push({ id: message.id, data, redrives })
  })
  await new Promise<void>((done) =>
    worker.on('settled', () => void (got.length === bodies.length && done())),
  )
  await worker.drain()
  got.sort((a, b) => (a.id < b.id ? -1 : 1))
  return { bytes: lists(got.map(({ data }) => data)), redrives: got.map((one) => one.redrives) }
}

const stores = [
  { name: 'memory', open: async () => connect(memory()) },
  { name: 'file', open: (folder: string) => connect(`file:${folder}/.narrowcast/store`) },
]

describe.for(stores)('what cannot be read, on $name', ({ open }) => {
  it('is put aside and comes back byte for byte', async () => {
    using world = cliWorld()
    await using bus = await open(world.folder)
    await publishAll(bus)
    await letBeInvalid(bus, bodies.length)
    const { items } = await bus.admin.deadLetters(channel, null, page)
    expect(items.map(({ letter }) => letter.cause)).toEqual(bodies.map(() => 'invalid'))
    expect(lists(items.map(({ message }) => Buffer.from(message.body as string)))).toEqual(
      lists(bodies),
    )
    const refs = items.map(({ ref }) => ref)
    await bus.admin.redrive(channel, refs, null)
    expect(await consume(bus)).toEqual({ bytes: lists(bodies), redrives: bodies.map(() => 1) })
  })
})

it('the command line shows the bytes, sends them back, and counts how often', async () => {
  using world = cliWorld()
  await using bus = await connect(`file:${world.folder}/.narrowcast/store`)
  await publishAll(bus)
  await letBeInvalid(bus, bodies.length)
  expect(await world.json('dead', 'ls', 'jobs', '--cause', 'invalid')).toMatchObject({ total: 5 })
  expect(await world.json('dead', 'redrive', 'jobs', '--yes')).toMatchObject({ redriven: 5 })
  await letBeInvalid(bus, bodies.length)
  const run = promisify(execFile)
  for (const [n, body] of bodies.entries()) {
    const words = [main, 'dead', 'show', 'jobs', `b${n}`, '--raw']
    const { stdout } = await run(process.execPath, words, { cwd: world.folder, encoding: 'buffer' })
    expect([...stdout]).toEqual([...body])
  }
  const shown = await world.run(['dead', 'show', 'jobs', 'b0'])
  expect(shown.stdout).toContain('no UTF-8 text: --raw writes its bytes')
  expect(shown.stdout).toContain('1 redrives')
  expect((await world.run(['dead', 'show', 'jobs', 'b2'])).stdout).not.toContain('no UTF-8')
  const several = await world.run(['dead', 'show', 'jobs', '--raw'])
  expect([several.code, several.stdout]).toEqual([2, ''])
  expect(several.stderr).toContain('--raw writes one message, and 5 are meant')
  const all = await world.json('dead', 'show', 'jobs')
  expect((all.items as { data_base64: string }[])[4]).toMatchObject({
    data_base64: Buffer.from(bodies[0] as Uint8Array).toString('base64'),
  })
  expect(await world.json('dead', 'redrive', 'jobs', '--yes')).toMatchObject({ redriven: 5 })
  expect(await consume(bus)).toEqual({ bytes: lists(bodies), redrives: bodies.map(() => 2) })
  const empty = await world.run(['dead', 'show', 'jobs', '--raw'])
  expect([empty.code, empty.stdout]).toEqual([4, ''])
})
