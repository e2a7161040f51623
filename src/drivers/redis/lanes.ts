/**
 * A server counts a connection once, however many in it listen to one channel. Those who are to be
 * counted one by one listen on different connections: lane 0, 1, …
 */
export class Lanes<Listener> {
  readonly #taken = new Map<string, (Listener | undefined)[]>()

  /** The first lane on which nobody listens to this channel yet. */
  take(channel: string, listener: Listener): number {
    const taken = this.#taken.get(channel) ?? []
    this.#taken.set(channel, taken)
    const free = taken.indexOf(undefined)
    const lane = free < 0 ? taken.length : free
    taken[lane] = listener
    return lane
  }

  /** The lane that is free again; 0 for who has taken none. */
  give(channel: string, listener: Listener): number {
    const taken = this.#taken.get(channel) ?? []
    const lane = taken.indexOf(listener)
    if (lane < 0) return 0
    taken[lane] = undefined
    if (taken.every((one) => one === undefined)) this.#taken.delete(channel)
    return lane
  }
}
