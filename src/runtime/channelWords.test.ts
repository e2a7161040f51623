import { expect, test } from 'vitest'
import { channelDefaultsOf } from './channelWords.ts'

test('familiar words become options', () => {
  const words = {
    lease: '30s',
    attempts: 3,
    backoff: '100ms..30s',
    dedupe: 'consume:10m',
    retention: '7d, 1000, 2GiB',
    narrowcast: 'relay' as const,
  }
  expect(channelDefaultsOf('file', words)).toEqual({
    leaseMs: 30_000,
    attempts: 3,
    backoff: { delayMsMin: 100, delayMsMax: 30_000 },
    dedupe: { on: 'consume', windowMs: 600_000 },
    retention: { ageMs: 604_800_000, messages: 1_000, bytes: 2_147_483_648 },
    via: 'relay',
  })
  expect(channelDefaultsOf('file', {})).toEqual({})
})

test.each([
  [{ lease: '30' }, 'here: lease'],
  [{ attempts: 0 }, 'here: attempts: expected a whole number of at least 1, got 0'],
  [{ backoff: '5s' }, 'here: backoff: expected two durations'],
  [{ dedupe: 'both' }, 'here: dedupe: expected publish or consume'],
  [{ retention: 'soon' }, 'here: retention'],
  [{ narrowcast: 'proxy' as 'relay' }, 'here: narrowcast: expected direct or relay'],
])('%j is refused, naming the word', (words, text) => {
  expect(() => channelDefaultsOf('here', words)).toThrow(text)
})
