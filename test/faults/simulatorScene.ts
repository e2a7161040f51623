import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createClient, type RedisClientType } from '@redis/client'
import { type RedisProfile, startRedis } from '../../src/lab/brokers/redis.ts'
import type { RedisServer } from '../../src/lab/brokers/redisServer.ts'
import { mixedPlan } from '../../src/simulator/plan.ts'
import { type BotsRun, runBots } from '../../src/simulator/runBots.ts'
import { cliWorld, type Running, type World } from '../e2e/cliRun.ts'

export interface SceneOptions {
  readonly processes: number
  readonly players: number
  readonly rounds: number
  /** @default 'always' */
  readonly profile?: RedisProfile
}

/** Several server processes on one Redis, bots in others, and what the backend has at the end. */
export class SimulatorScene implements AsyncDisposable {
  readonly redis: RedisServer
  readonly bots: BotsRun
  /** Games that players saw start. */
  readonly started = new Set<string>()
  readonly #world: World
  readonly #server: Running
  readonly #played = new Set<() => void>()
  #errors = ''

  private constructor(
    redis: RedisServer,
    world: World,
    server: Running,
    url: string,
    plan: ReturnType<typeof mixedPlan>,
  ) {
    this.redis = redis
    this.#world = world
    this.#server = server
    server.child.stderr?.on('data', (text: string) => {
      this.#errors += text
    })
    this.bots = runBots({
      ...{ url, plan, processes: 8, isInRounds: false },
      onEvent: (event) => {
        if (event.type !== 'game' || event.played.outcome === 'timedOut') return
        this.started.add(event.played.game)
        for (const look of this.#played) look()
      },
    })
  }

  static async open(options: SceneOptions): Promise<SimulatorScene> {
    const { processes, players, rounds, profile = 'always' } = options
    const redis = await startRedis({ profile })
    const world = cliWorld()
    try {
      const state = ['--state', redis.url, '--state-expiry', '1h', '--processes', String(processes)]
      const times = ['--port', '0', '--lobby-timeout', '1s']
      const server = world.start(['sim', 'server', ...times, ...state, '--json'])
      const url = await server.shows(/"url":"(ws:[^"]*)"/)
      return new SimulatorScene(redis, world, server, url, mixedPlan(players, rounds, 3))
    } catch (error) {
      world[Symbol.dispose]()
      await redis.stop()
      throw error
    }
  }

  /** What the servers said of themselves so far. */
  get said(): string {
    return this.#errors
  }

  /** Resolves when players have seen so many games start. */
  games(count: number): Promise<void> {
    return new Promise((done) => {
      const look = () => {
        if (this.started.size < count) return
        this.#played.delete(look)
        done()
      }
      this.#played.add(look)
      look()
    })
  }

  /** Of a server process, by its name, as it was last started. */
  async pid(name: string): Promise<number> {
    await this.#server.shows(new RegExp(`${name} pid (\\d+)`))
    const all = [...this.said.matchAll(new RegExp(`${name} (?:started anew, )?pid (\\d+)\\n`, 'g'))]
    return Number(all.at(-1)?.[1])
  }

  /** Ids of the finished records, in the order in which they came, repeats included. */
  async finished(): Promise<string[]> {
    const words = ['tail', 'lib.server.lobby', '--last', '100000', '--until', 'end']
    const all = await this.#world.lines(...words)
    return all.flatMap(({ data, id }) =>
      (data as { log_message: string }).log_message === 'Cleaning Game Records' ? [String(id)] : [],
    )
  }

  /** Games in Redis, by their status. */
  async statuses(): Promise<ReadonlyMap<string, number>> {
    return await this.#ask(async (client) => {
      const keys = await client.keys('games:*:status')
      const all = await Promise.all(keys.map((key) => client.get(key)))
      const counts = Map.groupBy(all, (status) => String(status))
      const waiting = await client.zCard('games:unreported')
      return new Map([...counts].map(([status, { length }]) => [status, length] as const)).set(
        'unreported',
        waiting,
      )
    })
  }

  /** Until it is disposed of, the backend takes no record. */
  holdStore(): Disposable {
    const place = join(this.#world.folder, '.narrowcast/store/store.db')
    const db = new DatabaseSync(place, { timeout: 10_000 })
    db.exec('begin immediate')
    return {
      [Symbol.dispose]() {
        db.exec('rollback')
        db.close()
      },
    }
  }

  /** Servers that count as living. */
  async servers(): Promise<number> {
    return await this.#ask((client) => client.zCard('games:servers'))
  }

  async #ask<T>(question: (client: RedisClientType) => Promise<T>): Promise<T> {
    const client: RedisClientType = createClient({ url: this.redis.url })
    await client.connect()
    try {
      return await question(client)
    } finally {
      client.destroy()
    }
  }

  /** Told to end; the summary and the exit code. */
  async end(): Promise<Record<string, unknown>> {
    this.#server.child.kill('SIGINT')
    const { code, stdout } = await this.#server.ended
    return { ...(JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as object), code }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bots.stop()
    this.#world[Symbol.dispose]()
    await this.redis.stop()
  }
}
