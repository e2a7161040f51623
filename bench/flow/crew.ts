import type { Ask } from './child.ts'
import { Hand } from './hand.ts'
import type { Drained } from './tally.ts'
import type { Side, Task } from './way.ts'

export interface Published {
  readonly startMs: number
  readonly endMs: number
}

/**
 * One process that publishes and one that consumes for each side. They stay, so that what is measured
 * runs on warm code.
 */
export class Crew implements Disposable {
  readonly #hands = new Map<string, Hand<Ask>>()

  #hand(side: Side, role: 'producer' | 'consumer' | 'between'): Hand<Ask> {
    const name = `${side} ${role}`
    const known = this.#hands.get(name)
    if (known) return known
    const made = new Hand<Ask>('child.ts')
    this.#hands.set(name, made)
    return made
  }

  async publish(task: Task): Promise<Published> {
    const producer = this.#hand(task.side, 'producer')
    await producer.ask({ open: 'producer', task })
    return producer.ask('publish')
  }

  async drain(task: Task): Promise<Drained> {
    const consumer = this.#hand(task.side, 'consumer')
    await consumer.ask({ open: 'consumer', task })
    await consumer.ask('start')
    return consumer.ask('drain')
  }

  /** Producer and consumer at once; whoever stands between them is there before. */
  async both(task: Task): Promise<Published & Drained> {
    const [producer, consumer] = [
      this.#hand(task.side, 'producer'),
      this.#hand(task.side, 'consumer'),
    ]
    const between = task.kind === 'relay' ? this.#hand(task.side, 'between') : null
    await between?.ask({ open: 'between', task })
    await consumer.ask({ open: 'consumer', task })
    await consumer.ask('start')
    await producer.ask({ open: 'producer', task })
    consumer.onProgress = ({ progress }) => producer.tell({ progress })
    const drained = consumer.ask<Drained>('drain')
    const published = await producer.ask<Published>('publish')
    const both = { ...published, ...(await drained), startMs: published.startMs }
    await between?.ask('close')
    return both
  }

  [Symbol.dispose](): void {
    for (const hand of this.#hands.values()) hand[Symbol.dispose]()
  }
}
