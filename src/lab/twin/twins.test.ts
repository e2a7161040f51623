import { expect, it } from 'vitest'
import { twinFor } from './twins.ts'

const calm = { name: 'calm' }
const list = { backend: 'redis-list', pattern: 'queue', profile: 'default', url: null } as const

it('what has a recipe by hand has a twin, in all the settings of its broker', () => {
  expect(twinFor(calm, list)).toBe('redis-list')
  expect(twinFor({ name: 'backlog' }, { ...list, profile: 'safe' })).toBe('redis-list')
  expect(twinFor(calm, { ...list, backend: 'kafka', pattern: 'stream' })).toBe('kafka')
  expect(twinFor(calm, { ...list, backend: 'redis-stream', pattern: 'stream' })).toBe(
    'redis-stream',
  )
})

it.for([
  ['worker-kill', {}, 'worker-kill has no twin: recipes by hand'],
  ['calm', { backend: 'memory' }, 'memory queue has no twin'],
  ['calm', { backend: 'file', pattern: 'stream' }, 'file stream has no twin'],
  ['calm', { backend: 'redis-pubsub', pattern: 'narrowcast' }, 'redis-pubsub narrowcast has no'],
  ['calm', { url: 'redis://a' }, 'a broker that is given has no twin'],
  ['calm', { profile: 'naive' }, 'redis-list@naive has no twin'],
] as const)('%s with %j is refused', ([name, changed, text]) => {
  expect(() => twinFor({ name }, { ...list, ...changed })).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining(text) }),
  )
})
