import { expect, test } from 'vitest'
import { virtualClock } from '../../testing/virtualClock.ts'
import { Circuit, type Pass } from './circuit.ts'

function scene(halfOpen = 1) {
  const clock = virtualClock()
  const states: string[] = []
  const circuit = new Circuit({
    opensAt: (runs, failures) => runs >= 2 && failures >= 1,
    windowMs: 60_000,
    openMs: 1_000,
    halfOpen,
    onChange: (state) => states.push(state),
  })
  const enter = () => circuit.enter(clock) as Pass
  const opens = () => {
    const passes = [enter(), enter()]
    for (const pass of passes) pass('failed')
  }
  return { clock, states, circuit, enter, opens }
}

test('each run counts once, and one that says nothing does not count', () => {
  const { states, enter } = scene()
  enter()('void')
  const pass = enter()
  pass('failed')
  pass('failed')
  expect(states).toEqual([])
  enter()('succeeded')
  expect(states).toEqual(['open'])
})

test('what began before a change says nothing about the new state', async () => {
  const { clock, states, enter, opens } = scene()
  const old = [enter(), enter()]
  opens()
  await clock.advance(1_000)
  const trial = enter()
  for (const pass of old) pass('failed')
  expect(states).toEqual(['open', 'half-open'])
  trial('succeeded')
  enter()('failed')
  enter()('failed')
  await clock.advance(1_000)
  enter()
  trial('succeeded')
  expect(states).toEqual(['open', 'half-open', 'closed', 'open', 'half-open'])
})

test('half open, successes and runs together are no more than it tries', async () => {
  const { clock, circuit, states, enter, opens } = scene(2)
  opens()
  expect(circuit.enter(clock)).toBeNull()
  await clock.advance(1_000)
  const [first, second] = [enter(), enter()]
  expect(circuit.enter(clock)).toBeNull()
  first('succeeded')
  expect(circuit.enter(clock)).toBeNull()
  second('void')
  const third = enter()
  expect(circuit.enter(clock)).toBeNull()
  third('succeeded')
  expect(states.at(-1)).toBe('closed')
})

test('who waits is let in by the time, by a freed place, by the closing; or gives up', async () => {
  const { clock, circuit, opens } = scene()
  const never = new AbortController().signal
  opens()
  const passes: Pass[] = []
  void circuit.entered(clock, never).then((pass) => passes.push(pass))
  const giveUp = new AbortController()
  const gaveUp = circuit.entered(clock, giveUp.signal)
  giveUp.abort('enough')
  await expect(gaveUp).rejects.toBe('enough')
  await clock.advance(1_000)
  expect(passes).toHaveLength(1)
  for (const _ of [2, 3]) void circuit.entered(clock, never).then((pass) => passes.push(pass))
  await clock.settle()
  expect(passes).toHaveLength(1)
  passes[0]?.('void')
  await clock.settle()
  expect(passes).toHaveLength(2)
  passes[1]?.('succeeded')
  await clock.settle()
  expect(passes).toHaveLength(3)
  expect(clock.monotonicMs()).toBe(1_000)
})
