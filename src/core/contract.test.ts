import { expect, test } from 'vitest'
import { type Contract, checkNotStronger } from './contract.ts'

const most: Contract = {
  delivery: 'at-least-once',
  stored: { in: 'page-cache', copies: 1 },
  survives: {
    'worker-crash': 'yes',
    'broker-restart': 'yes',
    'broker-crash': 'yes',
    'node-loss': 'no',
    'power-loss': 'no',
  },
  settle: 'confirmed',
  fencing: 'token',
  counts: { failures: 'exact', crashes: 'exact' },
  release: 'free',
  order: { scope: 'channel', across: 'worker', afterRetry: 'lost' },
  keyOrder: 'no',
  redelivery: { how: 'on-lease', withinMs: 31_000 },
  delay: { how: 'native', errorMs: 20, errorShare: 0, msMax: 1_000 },
  dedupe: { publishWindowMsMax: 1_000, consume: 'here' },
  positions: 'durable',
  replay: false,
  retention: false,
  seek: false,
  pause: true,
  deadLetters: true,
  manage: true,
  peek: 'exact',
  depth: 'exact',
  watchdog: false,
  noReader: 'kept',
  receivers: 'no',
  resumes: false,
  tells: [],
  wakeMs: 5,
  payloadBytesMax: 1_000,
  plainData: false,
  source: 'https://example.org/manual',
}

test('the same contract and a weaker one pass', () => {
  expect(() => checkNotStronger('test', most, most)).not.toThrow()
  const weaker: Contract = { ...most, stored: { in: 'memory', copies: 1 }, peek: 'no' }
  expect(() => checkNotStronger('test', most, weaker)).not.toThrow()
})

test('a stronger one is a defect that names the fact and both values', () => {
  const stronger: Contract = { ...most, survives: { ...most.survives, 'power-loss': 'yes' } }
  expect(() => checkNotStronger('test', most, stronger)).toThrow(
    'survives.power-loss = yes, the driver claims at most no',
  )
  expect(() => checkNotStronger('test', most, { ...most, replay: true })).toThrow('replay')
})
