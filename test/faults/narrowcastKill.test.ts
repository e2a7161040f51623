import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/runtime/random.ts'
import { type Actor, grounds, liveScene, nowMs } from './liveScene.ts'

const kills = 20
/** How long one that was killed is listed, and a second until each publisher has asked anew. */
const listedMs = 3_000 + 1_000
/** What a busy machine takes to let anybody run. */
const slackMs = 2_000

test.for(grounds)(
  '%s: workers are killed 20 times under load: each message goes to one of them at most, and who publishes knows',
  { timeout: 120_000 },
  async (ground) => {
    const seed = Math.floor(Math.random() * 1_000_000)
    const random = seededRandom(seed)
    await using scene = await liveScene(ground)
    const start = (n: number) => scene.start('worker', `w${n}`)
    const crew = [0, 1, 2, 3].map(start)
    await Promise.all(crew.map((one) => one.tells('opened')))
    const flow = { atOnce: 10, pauseMs: 20 }
    const publishers = ['p', 'q'].map((name) => scene.start('publisher', name, flow))
    await Promise.all(publishers.map((one) => one.tells('opened')))
    const killedMs = new Map<Actor, number>()
    for (let kill = 0; kill < kills; kill++) {
      await wait(random() * 500)
      const at = Math.floor(random() * crew.length)
      const victim = crew[at] as Actor
      await victim.tells('opened')
      await victim.kill()
      killedMs.set(victim, nowMs())
      crew[at] = start(crew.length + kill)
    }
    await Promise.all(crew.map((one) => one.tells('opened')))
    await wait(listedMs + slackMs)
    for (const one of publishers) await one.end()
    for (const one of crew) await one.end()

    const linesOf = (actors: readonly Actor[], event: string) =>
      actors.flatMap(({ book }) => book.filter((line) => line.event === event))
    const told = linesOf(publishers, 'told').flatMap(({ said, sentMs }) =>
      (said as [string, unknown][]).map(([id, what]) => ({ id, what, sentMs: Number(sentMs) })),
    )
    const got = linesOf(scene.actors, 'got').map(({ id }) => String(id))
    const handled = new Set(got)
    const given = told.filter(({ what }) => what === 1)
    const nobody = told.filter(({ what }) => what === 'NO_WORKER')
    const lost = given.filter(({ id }) => !handled.has(id))
    process.stdout.write(
      `${ground}: seed ${seed}: ${kills} workers killed of ${scene.actors.length - 2}, published ${told.length}: ` +
        `${given.length} to one, ${nobody.length} to none; handled ${got.length}, lost with the killed ${lost.length}\n`,
    )
    expect(got.length).toBe(handled.size)
    expect(told.length).toBe(given.length + nobody.length)
    expect(nobody.filter(({ id }) => handled.has(id))).toEqual([])
    expect(given.length - lost.length).toBe(handled.size)
    expect(linesOf(scene.actors, 'gap')).toEqual([])
    // What is lost was sent while somebody who had been killed was still listed.
    const isExplained = (sentMs: number) =>
      [...killedMs.values()].some((ms) => sentMs > ms - slackMs && sentMs < ms + listedMs + slackMs)
    expect(lost.filter(({ sentMs }) => !isExplained(sentMs))).toEqual([])
    const lastMs = Math.max(...killedMs.values())
    const later = given.filter(({ sentMs }) => sentMs > lastMs + listedMs)
    expect(later.length).toBeGreaterThan(0)
    expect(later.filter(({ id }) => !handled.has(id))).toEqual([])
  },
)
