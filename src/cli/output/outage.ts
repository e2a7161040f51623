import type { Clock } from '../../core/clock.ts'
import { harmless } from './displayWidth.ts'
import { showDuration } from './quantities.ts'

/** How often it is said again that the connection is still lost. */
const remindMs = 60_000

/**
 * Says once that the connection is lost and why, now and then that it still is, and for how long it
 * was when it is back. Several who lose it are one outage, which ends with the last of them.
 */
export class Outage {
  readonly #clock: Clock
  readonly #say: (colour: 'red' | 'yellow' | 'green', line: string) => void
  readonly #away = new Set<string>()
  #sinceMs = 0
  #saidMs = 0

  constructor(clock: Clock, say: (colour: 'red' | 'yellow' | 'green', line: string) => void) {
    this.#clock = clock
    this.#say = say
  }

  away(who: string, why: string): void {
    const nowMs = this.#clock.monotonicMs()
    if (this.#away.size === 0) {
      this.#sinceMs = nowMs
      this.#saidMs = nowMs
      this.#say('red', `connection lost: ${harmless(why)}`)
    } else if (nowMs - this.#saidMs >= remindMs) {
      this.#saidMs = nowMs
      const forMs = showDuration(nowMs - this.#sinceMs)
      this.#say('yellow', `connection lost for ${forMs}: ${harmless(why)}`)
    }
    this.#away.add(who)
  }

  back(who: string): void {
    if (!this.#away.delete(who) || this.#away.size > 0) return
    this.#say(
      'green',
      `connection back after ${showDuration(this.#clock.monotonicMs() - this.#sinceMs)}`,
    )
  }
}
