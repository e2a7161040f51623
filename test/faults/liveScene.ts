import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { findRedisProgram } from '../../src/lab/brokers/redisProgram.ts'
import { stopIdle } from './stopIdle.ts'

/** A line of the book of one process. */
export interface Line {
  readonly event: string
  /** Of the clock that all processes of a machine share. */
  readonly atMs: number
  readonly [fact: string]: unknown
}

export const nowMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000

/** One process, what it has told so far, and its book. */
export class Actor {
  readonly role: string
  readonly name: string
  readonly told: Omit<Line, 'atMs'>[] = []
  readonly ended: Promise<unknown>
  readonly #child: ChildProcess
  readonly #path: string
  readonly #stores: readonly string[]

  constructor(url: string, path: string, role: string, name: string, wish: object) {
    this.role = role
    this.name = name
    this.#path = path
    const place = /^file:([^?]*)/.exec(url)?.[1]
    this.#stores = place === undefined ? [] : [join(place, 'store.db')]
    const args = [role, url, path, name, JSON.stringify(wish)]
    const env = { ...process.env, NODE_COMPILE_CACHE: join(dirname(path), 'compiled') }
    this.#child = fork(join(import.meta.dirname, 'liveChild.ts'), args, { env })
    this.#child.on('message', (word: Line) => this.told.push(word))
    this.ended = once(this.#child, 'exit')
  }

  /** What it wrote; a line that a SIGKILL cut short was never written. */
  get book(): Line[] {
    if (!existsSync(this.#path)) return []
    const lines = readFileSync(this.#path, 'utf8').split('\n')
    return lines.slice(0, -1).map((line) => JSON.parse(line) as Line)
  }

  /** Resolves with what it tells of that event, the nth time. */
  async tells(event: string, nth = 1): Promise<Omit<Line, 'atMs'>> {
    for (;;) {
      const found = this.told.filter((word) => word.event === event)[nth - 1]
      if (found) return found
      const { exitCode, signalCode } = this.#child
      if (exitCode !== null || signalCode !== null) {
        throw new Error(`${this.name} ended (${exitCode ?? signalCode}) before it told "${event}"`)
      }
      const isOver = new AbortController()
      const { signal } = isOver
      const either = [once(this.#child, 'message', { signal }), this.ended]
      await Promise.race(either.map((one) => one.catch(() => undefined)))
      isOver.abort()
    }
  }

  say(word: string): void {
    this.#child.send(word)
  }

  /** Stops it until `thaw`, outside of the transactions for which all others would wait. */
  freeze(): Promise<void> {
    return stopIdle(this.#child, this.#stores)
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  /** In order; what it told last. */
  async end(): Promise<Omit<Line, 'atMs'>> {
    this.say('end')
    const last = await this.tells('ended')
    await this.ended
    return last
  }
}

export interface Scene extends AsyncDisposable {
  readonly dir: string
  readonly url: string
  readonly actors: readonly Actor[]
  start(role: 'relay' | 'worker' | 'publisher', name: string, wish?: object): Actor
}

/** Where processes meet: a store in a folder, or a server of its own. */
export type Ground = 'file' | 'redis'

/** Those that can be had here. */
export const grounds: readonly Ground[] =
  (await findRedisProgram()) === null ? ['file'] : ['file', 'redis']

/** A store in a folder, or a server, of its own, and processes that end with it. */
export async function liveScene(ground: Ground = 'file', options = ''): Promise<Scene> {
  const dir = await mkdtemp(join(tmpdir(), 'narrowcast-live-'))
  const server = ground === 'redis' ? await startRedis() : null
  // To start a dozen processes at once takes a slow machine a while.
  const words = `${options === '' ? '?' : `${options}&`}timeout=1m`
  const url = (server?.url ?? `file:${join(dir, 'store')}`) + words
  const actors: Actor[] = []
  return {
    dir,
    url,
    actors,
    start(role, name, wish = {}) {
      const path = join(dir, `${actors.length}-${name}.ndjson`)
      const actor = new Actor(url, path, role, name, wish)
      actors.push(actor)
      return actor
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(actors.map((one) => one.kill()))
      await server?.stop()
      await rm(dir, { recursive: true })
    },
  }
}
