import { expect, test } from 'vitest'
import { Line } from './line.ts'

const turn = () => new Promise<void>((done) => setImmediate(done))

test('one at a time, first come first, also past one that gives up and one that fails', async () => {
  const line = new Line()
  const steps: string[] = []
  const never = new AbortController().signal
  const giveUp = new AbortController()
  const first = Promise.withResolvers<void>()
  const all = [
    line.enter(never, async () => {
      steps.push('first')
      await first.promise
    }),
    line.enter(giveUp.signal, async () => void steps.push('gave up')),
    line.enter(never, async () => {
      steps.push('fails')
      throw new Error('no')
    }),
    line.enter(never, async () => void steps.push('last')),
  ]
  const ended = Promise.allSettled(all)
  giveUp.abort('enough')
  await turn()
  expect({ steps, isEmpty: line.isEmpty }).toEqual({ steps: ['first'], isEmpty: false })
  first.resolve()
  expect((await ended).map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'rejected',
    'fulfilled',
  ])
  await expect(all[1]).rejects.toBe('enough')
  expect({ steps, isEmpty: line.isEmpty }).toEqual({
    steps: ['first', 'fails', 'last'],
    isEmpty: true,
  })
})
