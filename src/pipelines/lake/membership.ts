import { asNarrowcastError, NarrowcastError } from '../../core/errors.ts'
import { randomName } from '../../core/ids.ts'
import type { SinkContext } from '../sink.ts'
import type { LakePlan } from './lake.ts'
import type { Manifest } from './manifest.ts'
import type { ManifestStore } from './manifestStore.ts'
import type { Note } from './manifestTypes.ts'
import { recover } from './recover.ts'

/** Long enough that no two owners of all times share a token. */
const tokenLength = 20

/**
 * This worker's place among those that share the folder: a slot under a token that is never used
 * again, a beat that says it lives, and the clean-up after those that do not.
 */
export class Membership {
  readonly #plan: LakePlan
  readonly #context: SinkContext
  readonly #manifest: Manifest
  readonly #ending = new AbortController()
  #owner = ''
  #pipeline = 0
  #notes: Note[] = []
  #beating: Promise<void> = Promise.resolve()
  #rejoining: Promise<void> | null = null

  constructor(plan: LakePlan, context: SinkContext, manifest: Manifest) {
    this.#plan = plan
    this.#context = context
    this.#manifest = manifest
  }

  get owner(): string {
    return this.#owner
  }
  get pipeline(): number {
    return this.#pipeline
  }

  /** Takes a slot under a new token, and finishes what dead owners left. */
  async join(): Promise<void> {
    const { pipeline, worker, clock } = this.#context
    const owner = randomName(tokenLength)
    const { name, channel } = pipeline
    const { isUnclean, pipeline: n } = await this.call(
      'register',
      { pipeline: { name, channel: channel.name, pattern: channel.pattern }, owner, worker },
      clock.wallMs(),
    )
    this.#owner = owner
    this.#pipeline = n
    if (isUnclean) await this.#checkDatabase()
    await this.#beat()
  }

  start(): void {
    this.#beating = this.#beatOn()
  }

  /** What the next transaction writes beside its own. */
  note(note: Note): void {
    this.#notes.push(note)
  }

  /** Runs a call that writes these notes too; they stay until it went through. */
  async withNotes<T>(
    call: (notes: readonly Note[]) => Promise<T>,
    hasWritten: (result: T) => boolean,
  ): Promise<T> {
    const notes = [...this.#notes]
    const result = await call(notes)
    if (hasWritten(result)) this.#notes = this.#notes.filter((note) => !notes.includes(note))
    return result
  }

  /** Waits as long as another process keeps the manifest locked, and says who. */
  async call<M extends keyof ManifestStore>(
    method: M,
    ...args: Parameters<ManifestStore[M]>
  ): Promise<ReturnType<ManifestStore[M]>> {
    for (;;) {
      try {
        return await this.#manifest.call(method, ...args)
      } catch (error) {
        const ours = asNarrowcastError(error)
        const { signal } = this.#context
        if (ours.code !== 'BUSY' || signal.aborted) throw ours
        this.#context.warn(await this.#lockedBy(ours))
      }
    }
  }

  /** isClean: nothing of ours is in doubt. Else the next one to look finishes our work. */
  async leave(isClean: boolean): Promise<void> {
    this.#ending.abort()
    await this.#beating
    await Promise.allSettled([this.#rejoining]) // whoever asked for it is told how it ended
    if (isClean) {
      await this.withNotes(
        (notes) => this.call('leave', this.#owner, this.#pipeline, notes),
        () => true,
      )
    } else await this.call('abandon', this.#owner, this.#context.clock.wallMs())
  }

  async #beatOn(): Promise<void> {
    const { clock } = this.#context
    for (;;) {
      await clock.sleep(this.#plan.heartbeatMs, this.#ending.signal)
      if (this.#ending.signal.aborted) return
      try {
        const owner = this.#owner
        if (!(await this.#beat())) await this.#rejoinWarned(owner)
      } catch (error) {
        this.#context.fail(asNarrowcastError(error))
        return
      }
    }
  }

  /** @returns false when another process has taken our slot over. */
  async #beat(): Promise<boolean> {
    const nowMs = this.#context.clock.wallMs()
    const { isOwner, expelled } = await this.withNotes(
      (notes) => this.call('beat', this.#owner, this.#pipeline, notes, nowMs),
      (beat) => beat.isOwner,
    )
    if (!isOwner) return false
    await recover(
      {
        root: this.#plan.root,
        disk: this.#plan.disk,
        manifest: this,
        step: (step, ids) => this.#context.step(step, ids),
      },
      expelled,
    )
    return true
  }

  async #rejoinWarned(owner: string): Promise<void> {
    if (this.#owner === owner && this.#rejoining === null) {
      const text = `worker ${this.#context.worker}: its slot was taken over while it stood still`
      this.#context.warn(new NarrowcastError('FENCED', text))
    }
    await this.rejoin(owner)
  }

  /**
   * Under a new token, once for a commit and a beat that both miss the slot of this owner; what it
   * had committed is the others' to finish.
   */
  rejoin(owner: string): Promise<void> {
    if (this.#rejoining === null && this.#owner === owner) {
      this.#rejoining = this.join().finally(() => {
        this.#rejoining = null
      })
    }
    return this.#rejoining ?? Promise.resolve()
  }

  async #checkDatabase(): Promise<void> {
    const wrong = await this.call('quickCheck')
    if (wrong.length === 0) return
    throw new NarrowcastError(
      'STORE_UNUSABLE',
      `${this.#plan.root}: the manifest is damaged: ${wrong.slice(0, 3).join('; ')}`,
      { hint: 'Put it back from a copy, or start a new folder. The data files are as they were.' },
    )
  }

  async #lockedBy(error: NarrowcastError): Promise<NarrowcastError> {
    const slots = await this.#manifest.call('slots')
    const others = slots
      .filter(({ owner }) => owner !== this.#owner)
      .map(({ pid, state, worker }) => `${worker} (pid ${pid}, ${state})`)
    return new NarrowcastError(
      'BUSY',
      `${error.message}; others here: ${others.join(', ') || 'none'}`,
      { hint: 'Nothing is lost. A stopped process goes on with: kill -CONT PID' },
    )
  }
}
