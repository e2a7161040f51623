import { NarrowcastError } from '../../../core/errors.ts'
import type { Happening } from '../state.ts'
import { turnOf } from './replies.ts'

/**
 * Hands on what is heard. What came after an answer is told after whoever waited for the answer
 * has acted on it: so nobody hears of a game before he knows that he is in it.
 */
export class Hearing {
  #listener: (happening: Happening) => void = () => {}
  #heard: Happening[] = []

  watch(listener: (happening: Happening) => void): void {
    this.#listener = listener
  }

  readonly hear = (happening: Happening): void => {
    if (this.#heard.push(happening) === 1) setImmediate(() => this.#tell())
  }

  #tell(): void {
    const heard = this.#heard
    this.#heard = []
    for (const happening of heard) this.#listener(happening)
  }
}

/** What the scripts publish to a server. */
export function happeningOf(words: string): Happening {
  const [type, game = '', word = '', hits, deaths] = words.split(' ')
  if (type === 'turn') return { type, game, ...turnOf(word, Number(hits), Number(deaths)) }
  if (type === 'taken') return { type, game, user: word }
  if (type === 'over' || type === 'look') return { type, game }
  const text = `sim server: another server said ${JSON.stringify(words.slice(0, 100))}`
  return { type: 'failed', error: new NarrowcastError('INTERNAL', text) }
}
