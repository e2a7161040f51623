import { expect, test } from 'vitest'
import type { OutgoingMessage } from '../../core/message.ts'
import { OwnForm } from './ownForm.ts'
import { OwnWriter } from './ownWriter.ts'
import { cloudEventText, readWire } from './wire.ts'

const message = (over: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  id: 'm1',
  key: null,
  timeMs: Date.now(),
  headers: {},
  delayMs: 0,
  redrives: 0,
  dedupeId: null,
  type: 'orders',
  source: 'narrowcast',
  body: '{"n":1,"text":"ä"}',
  ...over,
})

const all = [
  message(),
  message({ id: 'a"b' }),
  message({ id: 'ä' }),
  message({ type: 'other "type"' }),
  message({ source: 'elsewhere' }),
  message({ key: 'k' }),
  message({ headers: { a: 'b' } }),
  message({ redrives: 2 }),
  message({ body: new Uint8Array([1, 2]) }),
  message(),
]

test('writes what anybody writes, and says when it came in where its time is another one', () => {
  const writer = new OwnWriter()
  for (const one of all) expect(writer.write(one)).toBe(cloudEventText(one))
  const old = writer.writeKept(message({ timeMs: 1_000 }))
  expect(Date.parse(JSON.parse(old).storedtime)).toBeGreaterThan(Date.now() - 10_000)
})

test('reads what it wrote as anybody reads it, or leaves it to others', () => {
  const form = new OwnForm()
  const writer = new OwnWriter()
  const first = message()
  expect(form.read(writer.write(first))).toBeNull()
  let count = 0
  for (const one of all) {
    const text = writer.write(one)
    const { redrives, ...wanted } = readWire(Buffer.from(text))
    const read = form.read(text)
    if (read === null) form.learn(wanted as Parameters<OwnForm['learn']>[0])
    else {
      expect(read).toEqual(wanted)
      count++
    }
  }
  expect(count).toBeGreaterThan(0)
})

test('what only looks alike is left to others', () => {
  const form = new OwnForm()
  form.learn({ ...message(), bytes: 1 })
  const good = new OwnWriter().write(message())
  expect(form.read(good)?.id).toBe('m1')
  for (const text of [
    `${good} `,
    good.replace('m1', ''),
    good.replace('m1', 'm\\n1'),
    good.replace('1.0', '1.1'),
    good.replace(/"time":"..../, '"time":"abcd'),
    good.replace('datacontenttype', 'subject'),
    '',
    '7',
  ]) {
    expect(form.read(text), text).toBeNull()
  }
})
