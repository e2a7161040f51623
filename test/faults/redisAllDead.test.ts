import { expect, onTestFinished, test } from 'vitest'
import { describeRedis } from '../brokers/redisHere.ts'
import { type Actor, liveScene } from './liveScene.ts'

const crewSize = 3
/** Of the handlers of one worker. */
const concurrency = 10
const flow = { atOnce: 10, pauseMs: 10 }
/** What the dead held comes again when their lease is over. */
const keptUrl = '?lease=2s&attempts=100'

interface Told {
  readonly id: string
  /** To how many it went, or a code; null: stored. */
  readonly said: number | string | null
}

const toldBy = ({ book }: Actor): Told[] =>
  book.flatMap((line) =>
    line.event === 'told'
      ? (line.said as [string, Told['said']][]).map(([id, said]) => ({ id, said }))
      : [],
  )

const gotBy = (actors: readonly Actor[]) =>
  actors.flatMap(({ book }) =>
    book.filter(({ event }) => event === 'got').map(({ id }) => String(id)),
  )

/**
 * All workers are killed in the midst of a run, and as many come after a while. It goes on until
 * some messages were told of all of them: `isWhole`.
 */
async function allDead(wish: object, options: string, isWhole: (one: Told) => boolean) {
  const scene = await liveScene('redis', options)
  onTestFinished(() => scene[Symbol.asyncDispose]())
  const crew = async (name: string) => {
    const all = Array.from({ length: crewSize }, (_, n) =>
      scene.start('worker', `${name}${n}`, wish),
    )
    await Promise.all(all.map((one) => one.tells('opened')))
    return all
  }
  const first = await crew('first')
  const publisher = scene.start('publisher', 'p', { ...wish, ...flow })
  const isOver = (check: () => boolean) => expect.poll(check, { timeout: 30_000 }).toBe(true)
  await isOver(() => gotBy(first).length >= 200)
  await Promise.all(first.map((one) => one.kill()))
  const { length } = toldBy(publisher)
  await isOver(() => toldBy(publisher).length >= length + 200)
  const second = await crew('second')
  await isOver(() => gotBy(second).length >= 200)
  await isOver(() => toldBy(publisher).slice(length).filter(isWhole).length >= 50)
  await publisher.end()
  return { first, second, told: toldBy(publisher), isOver }
}

const isNobody = ({ said }: Told) => said === 0 || said === 'NO_WORKER'

describeRedis('all workers die during the run, and others come:', () => {
  test.for([
    ['broadcast', { pattern: 'broadcast' }, crewSize],
    ['narrowcast', {}, 1],
  ] as const)(
    'a %s loses what nobody was there for, and its publisher is told',
    { timeout: 90_000 },
    async ([name, wish, copies]) => {
      const { first, second, told } = await allDead(wish, '', ({ said }) => said === copies)
      for (const one of second) await one.end()
      const got = gotBy([...first, ...second])
      const nobody = told.filter(isNobody)
      const given = told.filter(({ said }) => typeof said === 'number' && said > 0)
      const copiesGiven = given.reduce((sum, { said }) => sum + Number(said), 0)
      process.stdout.write(
        `${name}: published ${told.length}, to nobody ${nobody.length}, copies given ${copiesGiven}, ` +
          `handled ${got.length}, lost with the killed ${copiesGiven - got.length}\n`,
      )
      expect(told.length).toBe(nobody.length + given.length)
      expect(nobody.length).toBeGreaterThanOrEqual(100)
      expect(Math.max(...given.map(({ said }) => Number(said)))).toBe(copies)
      const handled = new Map<string, number>()
      for (const id of got) handled.set(id, (handled.get(id) ?? 0) + 1)
      expect(nobody.filter(({ id }) => handled.has(id))).toEqual([])
      expect(given.filter(({ id, said }) => (handled.get(id) ?? 0) > Number(said))).toEqual([])
      // Those who came last were ended in order: what was given since then, all of them have.
      const since = told.findLastIndex(isNobody)
      const later = told.slice(since + 1).filter(({ said }) => said === copies)
      expect(later.length).toBeGreaterThan(0)
      expect(later.filter(({ id }) => handled.get(id) !== copies)).toEqual([])
    },
  )

  test.for([
    ['queue on a list', { pattern: 'queue' }, keptUrl],
    ['queue on a stream', { pattern: 'queue' }, `${keptUrl}&queue=stream`],
    ['stream', { pattern: 'stream' }, keptUrl],
  ] as const)('a %s delivers everything', { timeout: 90_000 }, async ([name, wish, options]) => {
    const { first, second, told, isOver } = await allDead(wish, options, () => true)
    expect(told.filter(({ said }) => said !== null)).toEqual([])
    const handled = () => new Set(gotBy([...first, ...second]))
    await isOver(() => handled().size >= told.length)
    for (const one of second) await one.end()
    const got = gotBy([...first, ...second])
    process.stdout.write(
      `${name}: published ${told.length}, handled ${handled().size}, repeated ${got.length - handled().size}\n`,
    )
    expect([...handled()].sort()).toEqual(told.map(({ id }) => id).sort())
    // Only what somebody had in hand when it was killed comes twice.
    expect(got.length - handled().size).toBeLessThanOrEqual(crewSize * 2 * concurrency)
  })
})
