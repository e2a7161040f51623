import { type LiveSourceOptions, RedisLiveSource } from './liveSource.ts'
import { Presence } from './presence.ts'

/** One subscriber of a broadcast, or one worker of a narrowcast. It is there once. */
export class RedisMember extends RedisLiveSource {
  readonly #presence: Presence

  constructor(options: LiveSourceOptions) {
    super(options)
    const { home, channel, spec } = options
    this.#presence = new Presence({
      home,
      channel: channel.name,
      worker: spec.worker,
      replaced: (incarnation) => this.replace(incarnation),
      removed: () => this.end(this.error('NOT_FOUND', 'receive', 'the channel was removed')),
    })
  }

  get incarnation(): string {
    return this.options.spec.worker.incarnation
  }

  /** Nobody of its id listens any more when it does. @throws NOT_FOUND when another one comes */
  async begin(): Promise<void> {
    await this.#presence.join()
    await this.open()
    if (this.ended) throw this.ended
    this.lease.waits(false)
  }

  replace(incarnation: string): void {
    const { id } = this.options.spec.worker
    const isSame = incarnation === this.incarnation
    const text = isSame
      ? `another source was opened for worker ${id}`
      : `another start of ${id} has its place`
    this.end(this.error(isSame ? 'CLOSED' : 'NOT_FOUND', 'receive', text))
  }

  protected override async leaveBroker(): Promise<void> {
    await this.#presence.leave()
  }
}
