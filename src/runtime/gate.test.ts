import { expect, test } from 'vitest'
import { Gate, type Pass } from './gate.ts'

const never = new AbortController().signal

/** Asks in this order, and notes who was let in. */
function asking(gate: Gate) {
  const inside: string[] = []
  const passes = new Map<string, Pass>()
  return {
    inside,
    leave: async (name: string) => {
      inside.splice(inside.indexOf(name), 1)
      passes.get(name)?.leave()
      await turns()
    },
    ask: async (name: string, isAlone: boolean, signal = never) => {
      void gate.enter({ isAlone, isIsolated: isAlone }, signal).then((pass) => {
        if (!pass) return
        inside.push(name)
        passes.set(name, pass)
      })
      await turns()
    },
  }
}

const turns = () => new Promise(setImmediate)

test('the healthy run beside each other, a suspect when nothing else runs, nothing beside it', async () => {
  const { inside, ask, leave } = asking(new Gate(async () => {}))
  await ask('a', false)
  await ask('b', false)
  await ask('suspect', true)
  await ask('c', false)
  await ask('d', false)
  expect(inside).toEqual(['a', 'b'])
  await leave('a')
  expect(inside).toEqual(['b'])
  await leave('b')
  expect(inside).toEqual(['suspect'])
  await leave('suspect')
  expect(inside).toEqual(['c', 'd'])
})

test('all come in the order in which they asked: suspects pass nobody by, and are not passed by', async () => {
  const { inside, ask, leave } = asking(new Gate(async () => {}))
  await ask('first', true)
  await ask('healthy', false)
  await ask('second', true)
  await ask('later', false)
  await leave('first')
  expect(inside).toEqual(['healthy'])
  await leave('healthy')
  expect(inside).toEqual(['second'])
  await leave('second')
  expect(inside).toEqual(['later'])
})

test('it is quiet from the wish of the first suspect to the end of the last, which begin in quiet', async () => {
  const told: boolean[] = []
  const quieted = Promise.withResolvers<void>()
  const gate = new Gate((isQuiet) => {
    told.push(isQuiet)
    return quieted.promise
  })
  const { inside, ask, leave } = asking(gate)
  await ask('healthy', false)
  const over = new AbortController()
  await ask('gives up', true, over.signal)
  expect(told).toEqual([true])
  over.abort()
  await ask('suspect', true)
  await ask('another', true)
  expect(told).toEqual([true, false, true])
  await leave('healthy')
  expect(inside).toEqual([])
  quieted.resolve()
  await turns()
  expect(inside).toEqual(['suspect'])
  await leave('suspect')
  expect([inside, told.length]).toEqual([['another'], 3])
  await leave('another')
  expect(told).toEqual([true, false, true, false])
})

test('what is charged while it waits goes back before somebody is isolated, and none joins it', async () => {
  const gate = new Gate(async () => {})
  const healthy = (await gate.enter({ isAlone: false }, never)) as Pass
  const charged = { isAlone: true, isCharged: true }
  const suspect = gate.enter(charged, never)
  const unmarked = gate.enter({ isAlone: false }, never)
  const isolated = gate.enter({ ...charged, isIsolated: true }, never)
  expect(await suspect).toBe(null)
  expect(await gate.enter({ isAlone: false, isCharged: true }, never)).toBe(null)
  expect(await gate.enter({ ...charged, isIsolated: true }, never)).toBe(null)
  healthy.leave()
  for (const one of [unmarked, isolated]) ((await one) as Pass).leave()
  expect(await gate.enter(charged, never)).not.toBe(null)
})

test('one that gives up waiting lets those behind it in', async () => {
  const gate = new Gate(async () => {})
  const { inside, ask } = asking(gate)
  const draining = new AbortController()
  await ask('a', false)
  await ask('suspect', true, draining.signal)
  await ask('b', false)
  expect(inside).toEqual(['a'])
  draining.abort()
  await turns()
  expect(inside).toEqual(['a', 'b'])
  expect(await gate.enter({ isAlone: false }, draining.signal)).toBe(null)
})

test('what starts together with a suspect keeps the gate until it has left too', async () => {
  const gate = new Gate(async () => {})
  const { inside, ask, leave } = asking(gate)
  await ask('suspect', true)
  const unit = gate.beside()
  await ask('a', false)
  await leave('suspect')
  expect(inside).toEqual([])
  unit.leave()
  unit.leave()
  await turns()
  expect(inside).toEqual(['a'])
})

/** A handler that was given up, and is company until then. */
async function strayOf(gate: Gate, companyUntilMs: number): Promise<Pass> {
  const pass = (await gate.enter({ isAlone: false }, never)) as Pass
  pass.begin(companyUntilMs)
  pass.leave()
  return pass
}

test('a handler that outlives its message leaves the gate, and suspects are spared until it ends', async () => {
  const gate = new Gate(async () => {})
  const stuck = await strayOf(gate, 1_000)
  expect(gate.spares(0)).toBe(true)
  const suspect = (await gate.enter({ isAlone: true }, never)) as Pass
  stuck.end()
  expect(gate.spares(0)).toBe(false)
  suspect.begin(1_000)
  suspect.end()
  suspect.leave()
  expect(gate.spares(0)).toBe(false)
})

test('what runs on past its time spares nobody: it hangs', async () => {
  const gate = new Gate(async () => {})
  const first = await strayOf(gate, 1_000)
  expect(gate.spares(999)).toBe(true)
  expect(gate.spares(1_000)).toBe(false)
  await strayOf(gate, 3_000)
  expect(gate.spares(2_000)).toBe(true)
  first.end()
  expect(gate.spares(2_999)).toBe(true)
  expect(gate.spares(3_000)).toBe(false)
})

test('handlers given up one after the other spare suspects no longer than the first of them', async () => {
  const gate = new Gate(async () => {})
  const first = await strayOf(gate, 1_000)
  expect(gate.spares(500)).toBe(true)
  await strayOf(gate, 2_000)
  first.end()
  expect(gate.spares(999)).toBe(true)
  expect(gate.spares(1_000)).toBe(false)
  expect(gate.spares(1_999)).toBe(false)
  expect(gate.spares(2_000)).toBe(false) // nobody is company: whoever is given up now is, anew
  await strayOf(gate, 3_000)
  expect(gate.spares(2_001)).toBe(true)
})
