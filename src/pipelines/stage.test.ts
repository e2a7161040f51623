import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { virtualClock } from '../testing/virtualClock.ts'
import { definePipeline, type Pipeline } from './definePipeline.ts'
import { defineTable } from './defineTable.ts'
import type { Raw } from './sink.ts'
import { Stage, type StageResult } from './stage.ts'

const first = defineTable({ name: 'FIRST', schema: z.object({ n: z.int().min(0).max(255) }) })
const second = defineTable({ name: 'SECOND', schema: z.object({ text: z.string() }) })

/** Only what a stage looks at. */
function raw(data: string | Uint8Array, facts: Partial<Raw> = {}): Raw {
  const message = {
    id: 'm1',
    key: 'k',
    timeMs: 1_767_225_600_000,
    headers: { a: 'b' },
    type: 't',
    source: 's',
    bytes: data.length,
  }
  const signal = new AbortController().signal
  return {
    data,
    message,
    failures: 0,
    crashes: 0,
    redrives: 0,
    attempt: 1,
    signal,
    ...facts,
  } as Raw
}

function stageOf(pipeline: Pipeline, signal = new AbortController().signal) {
  const clock = virtualClock()
  const stage = new Stage(pipeline, { attempts: 3, deliveriesMax: 4 }, clock, signal)
  return { clock, stage: (one: Raw) => stage.stage(one) }
}

const both = (transform: (data: { n: unknown; text?: unknown }) => void = () => undefined) =>
  definePipeline({
    name: 'p',
    channel: { name: 'c' },
    tables: [first, second],
    transform(data, { emit }) {
      const { n, text } = data as { n: number; text: string }
      emit(first, { n })
      emit(second, { text })
      transform(data as { n: unknown })
    },
  })

const refusalOf = (result: StageResult | Promise<StageResult>) => {
  if (result instanceof Promise || result.kind !== 'staged') throw new Error('not staged')
  return result.staged.refusal
}

describe('a message becomes rows', () => {
  test('of all its tables, in the order of emit', () => {
    const { stage } = stageOf(both())
    expect(stage(raw('{"n":1,"text":"a"}'))).toMatchObject({
      kind: 'staged',
      staged: {
        refusal: null,
        rows: [
          { table: 0, row: { n: 1 } },
          { table: 1, row: { text: 'a' } },
        ],
      },
    })
  })

  test('bytes are read as UTF-8 JSON', () => {
    const { stage } = stageOf(both())
    expect(refusalOf(stage(raw(new TextEncoder().encode('{"n":1,"text":"é"}'))))).toBe(null)
  })

  test('what fails in its second table leaves nothing in its first', () => {
    const { stage } = stageOf(both())
    expect(stage(raw('{"n":1,"text":2}'))).toMatchObject({
      kind: 'staged',
      staged: {
        rows: [],
        refusal: { cause: 'invalid', schema: 'SECOND', error: { path: 'text' } },
      },
    })
  })

  test('a row out of the range of its column is refused before an encoder could wrap it', () => {
    const { stage } = stageOf(both())
    expect(refusalOf(stage(raw('{"n":300,"text":"a"}')))).toMatchObject({
      cause: 'invalid',
      schema: 'FIRST',
      error: { path: 'n' },
    })
  })

  test.for(['{', 'nope', ''])('%j is no JSON: refused', (text) => {
    const { stage } = stageOf(both())
    expect(refusalOf(stage(raw(text)))).toMatchObject({ cause: 'invalid', schema: null })
  })

  test('bytes that are no UTF-8 are refused', () => {
    const { stage } = stageOf(both())
    expect(refusalOf(stage(raw(new Uint8Array([0x22, 0xff, 0x22]))))).toMatchObject({
      cause: 'invalid',
    })
  })

  test('no row at all: skipped', () => {
    const pipeline = definePipeline({
      name: 'p',
      channel: { name: 'c' },
      tables: [first],
      transform: () => undefined,
    })
    expect(stageOf(pipeline).stage(raw('{}'))).toEqual({ kind: 'skipped' })
  })
})

describe('match', () => {
  const pipeline = { ...both(), match: { log: 'end', task: { host: true } } }
  test.for([
    ['{"log":"end","task":{"host":true,"n":1},"n":1,"text":"a"}', 'staged'],
    ['{"log":"end","task":{"host":false},"n":1,"text":"a"}', 'skipped'],
    ['{"log":"end","n":1,"text":"a"}', 'skipped'],
    ['["end"]', 'skipped'],
    ['null', 'skipped'],
  ] as const)('%s is %s', ([text, kind]) => {
    expect(stageOf(pipeline).stage(raw(text))).toMatchObject({ kind })
  })
})

describe('input', () => {
  test('what it refuses is dead, and transform is not called', () => {
    const transform = vi.fn()
    const pipeline = { ...both(), input: z.object({ n: z.int() }), transform }
    expect(refusalOf(stageOf(pipeline).stage(raw('{"n":"x"}')))).toMatchObject({
      cause: 'invalid',
      schema: 'input',
    })
    expect(transform).not.toHaveBeenCalled()
  })

  test('may take its time', async () => {
    const input = z.object({ n: z.int().refine(async (n) => n > 0), text: z.string() })
    const { stage } = stageOf({ ...both(), input })
    expect(await stage(raw('{"n":1,"text":"a"}'))).toMatchObject({ staged: { refusal: null } })
    expect(await stage(raw('{"n":0,"text":"a"}'))).toMatchObject({
      staged: { refusal: { schema: 'input' } },
    })
  })
})

describe('a transform that', () => {
  const broken = both(() => {
    throw new RangeError('too bad')
  })
  test('throws is tried again while attempts are left, then dead', () => {
    const { stage } = stageOf(broken)
    const text = '{"n":1,"text":"a"}'
    expect(stage(raw(text))).toMatchObject({ kind: 'retry', error: { message: 'too bad' } })
    expect(stage(raw(text, { failures: 1 }))).toMatchObject({ kind: 'retry' })
    expect(refusalOf(stage(raw(text, { failures: 2 })))).toEqual({
      cause: 'failures',
      error: { name: 'RangeError', message: 'too bad', path: '' },
      schema: null,
    })
  })

  test('says dead() leaves no row, and the first reason stays', () => {
    const pipeline = definePipeline({
      name: 'p',
      channel: { name: 'c' },
      tables: [first],
      transform(_, { emit, dead }) {
        emit(first, { n: 1 })
        dead('one')
        dead('two')
      },
    })
    expect(stageOf(pipeline).stage(raw('{}'))).toMatchObject({
      staged: { rows: [], refusal: { cause: 'verdict', error: { message: 'one' } } },
    })
  })

  test('emits to a table that is not its own stops the run, also where it catches', () => {
    const pipeline = definePipeline({
      name: 'p',
      channel: { name: 'c' },
      tables: [first],
      transform(_, { emit }) {
        try {
          emit(second as never, { text: 'a' } as never)
        } catch {
          // a mistake of the pipeline does not pass for a mistake of the message
        }
      },
    })
    expect(() => stageOf(pipeline).stage(raw('{}'))).toThrow(
      'pipeline "p": emit to SECOND, which is not among its tables',
    )
  })

  test('returns a promise stops the run', () => {
    const pipeline = { ...both(), transform: async () => undefined }
    expect(() => stageOf(pipeline).stage(raw('{}'))).toThrow('it must be synchronous, see load')
  })

  test('emits after it has returned is told so', async () => {
    const late = Promise.withResolvers<unknown>()
    const pipeline = definePipeline({
      name: 'p',
      channel: { name: 'c' },
      tables: [first],
      transform(_, { emit }) {
        setImmediate(() => {
          try {
            emit(first, { n: 1 })
          } catch (error) {
            late.resolve(error)
          }
        })
      },
    })
    stageOf(pipeline).stage(raw('{}'))
    expect(await late.promise).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('has a row schema that answers later stops the run', () => {
    const validate = async (value: unknown) => ({ value: value as { n: number } })
    const schema: StandardSchemaV1<{ n: number }> = {
      '~standard': { version: 1, vendor: 'test', validate },
    }
    const slow = { ...first, schema }
    const pipeline = definePipeline({
      name: 'p',
      channel: { name: 'c' },
      tables: [slow],
      transform(_, { emit }) {
        emit(slow, { n: 1 })
      },
    })
    expect(() => stageOf(pipeline).stage(raw('{}'))).toThrow('validates asynchronously')
  })
})

describe('load', () => {
  const withLoad = (load: NonNullable<Pipeline['load']>) =>
    definePipeline({
      name: 'p',
      channel: { name: 'c' },
      tables: [first],
      load,
      loadMsMax: 1_000,
      transform(_, { emit, loaded }) {
        emit(first, { n: loaded as number })
      },
    })

  test('hands its result on, and sees the facts of the message', async () => {
    const { stage } = stageOf(withLoad(async (_, { message }) => message.headers.a?.length))
    expect(await stage(raw('{}'))).toMatchObject({ staged: { rows: [{ row: { n: 1 } }] } })
  })

  test('throwing is a retry', async () => {
    const { stage } = stageOf(withLoad(() => Promise.reject(new Error('away'))))
    expect(await stage(raw('{}'))).toMatchObject({ kind: 'retry', error: { message: 'away' } })
  })

  test('may say dead()', async () => {
    const { stage } = stageOf(withLoad(async (_, { dead }) => dead('expired')))
    expect(await stage(raw('{}'))).toMatchObject({
      staged: { refusal: { cause: 'verdict', error: { message: 'expired' } } },
    })
  })

  test('taking longer than loadMsMax is a retry, also where it ignores its signal', async () => {
    const { stage, clock } = stageOf(withLoad(() => new Promise(() => undefined)))
    const result = await clock.runUntil(Promise.resolve(stage(raw('{}'))))
    expect(result).toMatchObject({ kind: 'retry', error: { code: 'TIMEOUT' } })
    expect(clock.monotonicMs()).toBe(1_000)
  })

  test('cut off by the end of the run is nobody’s fault', async () => {
    const ending = new AbortController()
    const { stage } = stageOf(
      withLoad(() => new Promise(() => undefined)),
      ending.signal,
    )
    const result = stage(raw('{}', { failures: 2 }))
    ending.abort()
    expect(await result).toEqual({ kind: 'released' })
  })
})

test('a message that took four workers down is dead, untouched', () => {
  const transform = vi.fn()
  const { stage } = stageOf({ ...both(), transform })
  expect(refusalOf(stage(raw('{', { crashes: 4 })))).toMatchObject({ cause: 'crashes' })
  expect(stage(raw('{}', { crashes: 3 }))).toMatchObject({ kind: 'skipped' })
  expect(stage(raw('{}', { crashes: 'unknown' }))).toMatchObject({ kind: 'skipped' })
  expect(transform).toHaveBeenCalledTimes(2)
})

describe('a mistake of the pipeline is never a message’s fault', () => {
  const asyncInput: StandardSchemaV1<unknown, unknown> = {
    '~standard': { version: 1, vendor: 'test', validate: async (value) => ({ value }) },
  }
  test.for([
    ['alone', {}],
    ['under a schema', { input: z.unknown() }],
    ['under a schema that waits', { input: asyncInput }],
    ['under load', { load: async () => 1 }],
  ] as const)('%s', async ([, more]) => {
    const foreign = definePipeline({
      name: 'p',
      channel: { name: 'c' },
      tables: [first],
      transform: (_, { emit }) => (emit as (table: unknown, row: object) => void)(second, {}),
      ...more,
    })
    const staged = async () => stageOf(foreign).stage(raw('{}'))
    await expect(staged()).rejects.toThrow('emit to SECOND, which is not among its tables')
  })
})
