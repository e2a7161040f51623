import type { Cluster } from '../cluster/cluster.ts'
import type { Link } from '../cluster/link.ts'
import { closedError } from '../kafkaErrors.ts'

/** NOT_COORDINATOR and its like: another node, or this one soon, knows the group. */
const moved: ReadonlySet<number> = new Set([14, 15, 16])
export const hasMoved = (errorCode: number) => moved.has(errorCode)

/** A connection to the node that knows a group, wherever that is now. */
export class Coordinator {
  readonly #cluster: Cluster
  readonly #group: string
  readonly #answerMs: number
  #link: Promise<Link> | null = null
  #isOver = false

  constructor(cluster: Cluster, group: string, answerMs: number) {
    this.#cluster = cluster
    this.#group = group
    this.#answerMs = answerMs
  }

  /** Whoever asks at the same time has the same one. */
  async link(): Promise<Link> {
    if (this.#isOver) throw closedError('source')
    this.#link ??= this.#open()
    return await this.#link
  }

  /** It is looked for anew. */
  leave(): void {
    const link = this.#link
    this.#link = null
    link?.then(
      (one) => one.close(),
      () => {},
    )
  }

  /** For good: what waits for its answer waits no longer. */
  close(): void {
    this.#isOver = true
    this.destroy()
  }

  /** What waits for its answer waits no longer. */
  destroy(): void {
    this.#link?.then(
      (link) => link.destroy(),
      () => {},
    )
    this.#link = null
  }

  #open(): Promise<Link> {
    const opening = this.#connect()
    const forget = () => {
      if (this.#link === opening) this.#link = null
    }
    opening.then((link) => link.closed.addEventListener('abort', forget), forget)
    return opening
  }

  async #connect(): Promise<Link> {
    const node = await this.#cluster.coordinator(this.#group)
    return await this.#cluster.link(node, this.#answerMs)
  }
}
