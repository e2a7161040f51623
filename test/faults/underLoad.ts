import { expect, onTestFinished } from 'vitest'
import { connect } from '../../src/connect.ts'

/** One publishes without a pause, two work; all are given every node. */
export async function underLoad(url: string) {
  const open = async () => {
    const bus = await connect(url)
    onTestFinished(() => bus.close({ timeoutMs: 5_000 }), 30_000)
    return bus
  }
  const stored = new Set<number>()
  const unsure = new Set<number>()
  const seen = new Set<number>()
  let repeats = 0
  const note = (n: number) => {
    if (seen.has(n)) repeats++
    seen.add(n)
  }
  for (let n = 0; n < 2; n++) {
    const worker = (await open()).queue<number>('jobs').subscribe(note, { concurrency: 20 })
    worker.on('error', () => {})
    await worker.ready()
  }
  const jobs = (await open()).queue<number>('jobs', { publish: { timeoutMs: 120_000 } })
  let published = 0
  let isOver = false
  const publishing = (async () => {
    while (!isOver) {
      const from = published
      published += 20
      const batch = Array.from({ length: 20 }, (_, at) => ({ data: from + at }))
      for (const [at, answer] of (await jobs.publishMany(batch)).entries()) {
        if (!(answer instanceof Error)) stored.add(from + at)
        else if (answer.definite) throw answer
        else unsure.add(from + at)
      }
    }
  })()
  publishing.catch(() => {}) // told at the end
  return {
    /** Until what is published from now on is stored and worked on. */
    async goesOn() {
      const from = published
      const isNew = (all: ReadonlySet<number>) => [...all].some((n) => n > from + 40)
      const both = () => ({ stored: isNew(stored), seen: isNew(seen) })
      await expect.poll(both, { timeout: 90_000 }).toEqual({ stored: true, seen: true })
    },
    async end() {
      isOver = true
      await publishing
      const lost = () => [...stored].filter((n) => !seen.has(n))
      await expect.poll(lost, { timeout: 90_000 }).toEqual([])
      return { stored: stored.size, unsure: unsure.size, repeats }
    },
  }
}
