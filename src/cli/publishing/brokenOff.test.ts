import { expect, it } from 'vitest'
import { NarrowcastError } from '../../core/errors.ts'
import { brokenOff } from './brokenOff.ts'
import type { Stretch } from './fates.ts'

const failure = new NarrowcastError(
  'UNAVAILABLE',
  'redis: publish to "ks": OOM; it was not stored',
  {
    ...{ driver: 'redis', channel: 'ks', operation: 'publish', hint: 'Give it more memory.' },
  },
)
const kept = { isLive: false, hasDedupe: false }
const not: Stretch = { from: 31, to: null, state: 'not_stored' }

it('is as definite as its lines, and keeps the hint of the failure', () => {
  const stored: Stretch = { from: 1, to: 30, state: 'stored' }
  const error = brokenOff(failure, [stored, not], kept)
  expect(error).toMatchObject({
    message: 'redis: publish to "ks": OOM; not stored: line 31 and all that follow',
    hint: 'Certainly stored: lines 1 to 30.\nGive it more memory.',
    ...{ code: 'UNAVAILABLE', definite: true, driver: 'redis', channel: 'ks', cause: failure },
  })
  const uncertain: Stretch = { from: 30, to: 30, state: 'uncertain' }
  const error2 = brokenOff(failure, [uncertain, not], kept)
  expect(error2).toMatchObject({
    message: 'redis: publish to "ks": OOM; line 30 may have been stored',
    definite: false,
  })
  expect(error2.hint).toMatch(/^Not stored: line 31 .*\n.*twice\. A channel made with --dedupe/)
})

it('speaks of sending where nothing is kept, and of --dedupe where it was not asked for', () => {
  const stretches: Stretch[] = [{ from: 1, to: 2, state: 'uncertain' }, not]
  const live = brokenOff(failure, stretches, { isLive: true, hasDedupe: false })
  expect(live.message).toMatch(/; lines 1 to 2 may have been sent$/)
  expect(live.hint).toMatch(/^Not sent: /)
  expect(live.hint).not.toContain('--dedupe')
  const asked = brokenOff(failure, stretches, { isLive: false, hasDedupe: true })
  expect(asked.hint).not.toContain('--dedupe')
})

it('names a few ranges and counts the rest', () => {
  const stretches = Array.from({ length: 12 }, (_, at): Stretch => {
    const state = at % 2 === 0 ? 'stored' : 'uncertain'
    return { from: at + 1, to: at + 1, state }
  })
  expect(brokenOff(failure, stretches, kept).message).toMatch(
    /; line 2, line 4, line 6, line 8, and 2 more ranges \(--json\) may have been stored$/,
  )
})
