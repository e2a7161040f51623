import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import type { NarrowcastError } from '../../core/errors.ts'
import { type Disk, disk } from '../disk.ts'
import type { Encoder } from '../encoders/encoder.ts'
import { ndjson } from '../encoders/ndjson.ts'
import { messagesPipeline } from '../messagesPipeline.ts'
import type { OpenSink, Raw, Staged } from '../sink.ts'
import { type LakeOptions, lakeOn } from './lake.ts'
import { verify } from './verify.ts'

const pipeline = messagesPipeline({ name: 'lobby' })
const text = ndjson({ compression: 'none' })

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'narrowcast-sink-'))
  onTestFinished(() => rm(made, { recursive: true }))
  return made
}

async function opened(
  dir: string,
  options: LakeOptions = {},
  change: Partial<Disk> = {},
  warn: (error: NarrowcastError) => void = () => undefined,
) {
  const ground = { disk: () => ({ ...disk('os'), ...change }), busyMs: 50 }
  const sink = await lakeOn(ground, dir, { format: text, durability: 'os', ...options }).open({
    pipeline,
    worker: 'w-1',
    clock: systemClock,
    signal: new AbortController().signal,
    step: async () => undefined,
    warn,
    fail: warn,
  })
  onTestFinished(() => sink.close())
  return sink
}

/** A message with one row. */
function staged(id: string, facts: Partial<Raw['message']> = {}): Staged {
  const message = { id, key: null, timeMs: 1_767_225_600_000, headers: {}, bytes: 10, ...facts }
  const raw = { data: '{}', message, failures: 0, crashes: 0, redrives: 0 } as unknown as Raw
  const { timeMs } = raw.message
  return {
    raw,
    rows: [{ table: 0, row: { _id: id, _time: timeMs, key: null, headers: {}, data: {} } }],
    refusal: null,
  }
}

async function landed(sink: OpenSink, all: readonly Staged[]) {
  const { fresh, known } = await sink.recognise(all.map(({ raw }) => raw))
  const rest = all.filter(({ raw }) => fresh.includes(raw))
  return [...known.answers, ...(await sink.land(rest)).answers].map(({ raw, as }) => [
    raw.message.id,
    as,
  ])
}

async function names(dir: string, under: string): Promise<string[]> {
  const all = await readdir(join(dir, under), { recursive: true, withFileTypes: true })
  return all.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
}

describe('a message that no file can hold is a dead letter beside its neighbours', () => {
  test.for([Number.MAX_SAFE_INTEGER, 3e14, -1e14, Number.NaN])(
    'since its time is %d',
    async (timeMs) => {
      const dir = await folder()
      const sink = await opened(dir)
      const [good, bad] = [staged('good'), staged('bad', { timeMs })]
      expect(() => sink.pathOf(bad.raw, bad.rows[0] as Staged['rows'][number])).not.toThrow()
      expect(await landed(sink, [good, bad])).toEqual([
        ['good', 'landed'],
        ['bad', 'dead'],
      ])
      const [name] = await names(dir, '_dead')
      expect(name).toMatch(/date=\d{4}-\d\d-\d\d\//)
      const letter = JSON.parse(await readFile(name as string, 'utf8'))
      expect(letter).toMatchObject({
        id: 'bad',
        cause: 'invalid',
        error: { message: expect.stringContaining(`${timeMs}`), path: 'timeMs' },
        message: { time: null },
      })
      expect(await landed(sink, [bad])).toEqual([['bad', 'recognised']])
      await sink.close()
      expect(await verify(dir)).toMatchObject({ isClean: true, messages: 2, dead: 1 })
    },
  )

  test('since its id is no text; two such ids are two messages', async () => {
    const dir = await folder()
    const sink = await opened(dir)
    const answers = await landed(sink, [staged('\ud800'), staged('good'), staged('\ud801')])
    expect(answers.map(([, as]) => as)).toEqual(['dead', 'landed', 'dead'])
    expect((await landed(sink, [staged('\ud802'), staged('\ud801')])).map(([, as]) => as)).toEqual([
      'recognised',
      'dead',
    ])
    await sink.close()
    expect(await verify(dir)).toMatchObject({ isClean: true, messages: 4, dead: 3 })
  })
})

test("dead: 'channel' leaves the dead letters to the channel, and remembers them", async () => {
  const dir = await folder()
  const sink = await opened(dir, { dead: 'channel', deadBytesMax: 1 })
  const error = { name: 'Dead', message: 'said', path: '' }
  const bad = { ...staged('bad'), refusal: { cause: 'verdict', error, schema: null } } as const
  expect(await landed(sink, [bad, staged('good')])).toEqual([
    ['bad', 'dead'],
    ['good', 'landed'],
  ])
  expect(await landed(sink, [bad])).toEqual([['bad', 'recognised']])
  expect(await names(dir, '_dead')).toEqual([])
  await sink.close()
  expect(await verify(dir)).toMatchObject({ isClean: true, messages: 2, dead: 1, files: 1 })
})

test('a manifest that is locked at the start is waited for, and told', async () => {
  const dir = await folder()
  const db = new DatabaseSync(join(dir, '_manifest.sqlite'))
  onTestFinished(() => db.close())
  db.exec('BEGIN IMMEDIATE; CREATE TABLE theirs(n)')
  const told: string[] = []
  const sink = await opened(dir, {}, {}, ({ code }) => {
    told.push(code)
    if (db.isTransaction) db.exec('ROLLBACK')
  })
  expect(told[0]).toBe('BUSY')
  expect(await landed(sink, [staged('m1')])).toEqual([['m1', 'landed']])
})

describe('a worker that ends in order', () => {
  test('has its files noted as published, also where the broker was never told', async () => {
    const dir = await folder()
    const sink = await opened(dir)
    await landed(sink, [staged('m1')])
    await sink.close()
    const db = new DatabaseSync(join(dir, '_manifest.sqlite'), { readOnly: true })
    onTestFinished(() => db.close())
    expect(db.prepare('SELECT state FROM files').all()).toMatchObject([{ state: 'published' }])
    expect(db.prepare('SELECT settledMs FROM commits').all()).toMatchObject([{ settledMs: null }])
  })

  test.for(['a file that cannot be deleted', 'one that was torn'])(
    'leaves %s to the next one',
    async (what) => {
      const dir = await folder()
      let isBroken = false
      const remove = async (path: string) => {
        if (isBroken) throw Object.assign(new Error('EIO'), { code: 'EIO', errno: -5 })
        await disk('os').remove(path)
      }
      const isTorn = what === 'one that was torn'
      const broken = async () => {
        throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', errno: -28 })
      }
      const half: Encoder = {
        ...text,
        async open(path, table) {
          const file = await text.open(path, table)
          return {
            append: broken,
            finish: (durability) => file.finish(durability),
            // Its own clean-up fails as well: the file stays.
            [Symbol.asyncDispose]: async () => {
              await file.finish('os')
            },
          }
        },
      }
      const sink = await opened(dir, isTorn ? { format: half } : {}, {
        remove,
        ...(!isTorn && {
          syncFolder: (path) => (path.endsWith('_tmp') && isBroken ? broken() : Promise.resolve()),
        }),
      })
      isBroken = true
      await expect(landed(sink, [staged('m1')])).rejects.toThrow()
      await sink.close()
      expect(await names(dir, '_tmp')).toHaveLength(1)
      const next = await opened(dir)
      expect(await names(dir, '_tmp')).toEqual([])
      expect(await landed(next, [staged('m1')])).toEqual([['m1', 'landed']])
    },
  )
})

describe('a message that comes again', () => {
  test.for([
    ['late', true],
    ['sent', true],
    [null, true],
    ['settled', false],
  ] as const)('and whose settlement is %s: its id waits on %s', async ([outcome, isOpen]) => {
    const dir = await folder()
    const sink = await opened(dir)
    const { settled } = await sink.land([staged('m1')])
    await settled(['settled'])
    const { known } = await sink.recognise([staged('m1').raw])
    await known.settled([outcome])
    await sink.close()
    const db = new DatabaseSync(join(dir, '_manifest.sqlite'), { readOnly: true })
    onTestFinished(() => db.close())
    const [row] = db.prepare('SELECT settledMs < 0 AS isOpen FROM ids_1_0').all()
    expect(row).toMatchObject({ isOpen: isOpen ? 1 : 0 })
  })
})

test('ids without a known settlement are kept at least as long as others', () => {
  const options = { idsKeptMs: 7_200_000, unsettledKeptMs: 7_199_999 }
  expect(() => lakeOn({ disk, busyMs: 50 }, 'lake', options)).toThrow('of at least 7200000')
  expect(() => lakeOn({ disk, busyMs: 50 }, 'lake', { idsKeptMs: 1e13 })).not.toThrow()
})
