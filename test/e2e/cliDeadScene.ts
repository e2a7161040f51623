import { connect } from '../../src/index.ts'
import { cliWorld, type World } from './cliRun.ts'

export interface DeadWorld extends World {
  /** The store of the folder, opened by this process. */
  readonly url: string
}

/** A folder with a queue `jobs` in which `{"n":0}` to `{"n":count - 1}` are dead. */
export async function deadWorld(count: number): Promise<DeadWorld> {
  const world = cliWorld()
  const url = `file:${world.folder}/.narrowcast/store`
  await using bus = await connect(url)
  const jobs = bus.queue<{ n: number }>('jobs', { attempts: 1 })
  for (let at = 0; at < count; at += 500) {
    const length = Math.min(500, count - at)
    const answers = await jobs.publishMany(
      Array.from({ length }, (_, n) => ({ data: { n: at + n }, options: { id: `m${at + n}` } })),
    )
    for (const answer of answers) if (answer instanceof Error) throw answer
  }
  await letDie(url, count, () => true)
  return { ...world, url, [Symbol.dispose]: () => world[Symbol.dispose]() }
}

/** Works on `jobs` until `count` messages were settled; those that `fails` names die. */
export async function letDie(
  url: string,
  count: number,
  fails: (n: number) => boolean,
): Promise<void> {
  await using worker = await openWorker(url, fails)
  await worker.settled(count)
}

export interface DyingWorker extends AsyncDisposable {
  settled(count: number): Promise<void>
}

export async function openWorker(url: string, fails: (n: number) => boolean): Promise<DyingWorker> {
  const bus = await connect(url)
  const worker = bus.queue<{ n: number }>('jobs', { attempts: 1 }).subscribe(
    ({ n }) => {
      if (fails(n)) throw new Error(`no hero ${n}`)
    },
    { concurrency: 50 },
  )
  let settled = 0
  let look = () => {}
  worker.on('error', () => {})
  worker.on('settled', () => {
    settled++
    look()
  })
  return {
    settled: (count) =>
      new Promise((done) => {
        look = () => void (settled >= count && done())
        look()
      }),
    [Symbol.asyncDispose]: () => bus.close(),
  }
}
