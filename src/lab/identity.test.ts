import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeData,
  encodeData,
  headerBytes,
  identityOfId,
  keyName,
  kinds,
  type LabData,
  messageId,
} from './identity.ts'

const data: LabData = {
  run: 0x0123_4567_89ab_cdefn,
  identity: { producer: 2, incarnation: 1, sequence: 4_711 },
  key: 7,
  kind: 'poison',
  intendedNs: 1_234_567_890_123n,
}

const anyData = fc.record<LabData>({
  run: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  identity: fc.record({
    producer: fc.integer({ min: 0, max: 65_534 }),
    incarnation: fc.integer({ min: 0, max: 65_535 }),
    sequence: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  }),
  key: fc.integer({ min: 0, max: 65_535 }),
  kind: fc.constantFrom(...kinds),
  intendedNs: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
})

test('a message has one id, whichever attempt', () => {
  expect(messageId('r1', data.identity)).toBe('r1-p02-i01-s0004711')
  expect(keyName(data.key)).toBe('k07')
})

test('what is sent is what is read, in as many bytes as asked for', () => {
  fc.assert(
    fc.property(anyData, fc.integer({ min: headerBytes, max: 400 }), (one, length) => {
      const bytes = encodeData(one, length)
      expect(bytes.length).toBe(length)
      expect(decodeData(bytes, one.run)).toEqual(one)
      expect(encodeData(one, length)).toEqual(bytes)
    }),
  )
})

test('the header lies as the format says', () => {
  const bytes = encodeData(data, 64)
  expect(bytes.toString('latin1', 0, 4)).toBe('NCL1')
  expect(bytes.readBigUInt64LE(4)).toBe(data.run)
  const numbers = [bytes.readUInt16LE(12), bytes.readUInt16LE(14), bytes.readUInt32LE(16)]
  expect(numbers).toEqual([2, 1, 4_711])
  expect([bytes.readUInt16LE(20), bytes.readUInt8(22)]).toEqual([7, 1])
  expect(bytes.readBigUInt64LE(24)).toBe(data.intendedNs)
  expect(bytes.readUInt32LE(40)).toBe(64)
})

test('no byte can change unseen', () => {
  const bytes = encodeData(data, 64)
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] as number) ^ 1
    expect(decodeData(changed, data.run), `byte ${at}`).toBeNull()
  }
})

test('what is foreign, cut or longer is not ours', () => {
  const bytes = encodeData(data, 64)
  expect(decodeData(bytes, data.run + 1n)).toBeNull()
  expect(decodeData(bytes.subarray(0, 63), data.run)).toBeNull()
  expect(decodeData(bytes.subarray(0, 10), data.run)).toBeNull()
  expect(decodeData(Buffer.concat([bytes, Buffer.alloc(1)]), data.run)).toBeNull()
  expect(decodeData(Buffer.from('{"hello":"world"}'.padEnd(80)), data.run)).toBeNull()
})

test('less than the header is refused', () => {
  expect(() => encodeData(data, 47)).toThrow('at least 48 bytes, asked: 47')
})

test('an id names its message, and nobody else does', () => {
  expect(identityOfId('r1', 'r1-p02-i01-s0004711')).toEqual(data.identity)
  expect(identityOfId('r-1', messageId('r-1', data.identity))).toEqual(data.identity)
  for (const id of ['r2-p02-i01-s0004711', 'r1-p2-i01-s0004711', 'r1-p02-i01', 'somebody', '']) {
    expect(identityOfId('r1', id), id).toBeNull()
  }
})
