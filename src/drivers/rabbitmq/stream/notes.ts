import type { AmqpChannel } from '../client.ts'
import { type Confirming, toQueue } from '../confirming.ts'
import type { Connection } from '../connection.ts'
import { notesName } from '../layout.ts'
import { rabbitmqError } from '../rabbitmqErrors.ts'
import { offsetOf, readLog } from './log.ts'

/** One thing that was said of a channel. */
export interface Note {
  /** It was made. */
  readonly group?: string
}

/** What AMQP tells of nothing by itself, in a stream queue beside the channel. */
export class Notes {
  readonly #connection: Connection
  readonly #confirming: Confirming

  constructor(connection: Connection, confirming: Confirming) {
    this.#connection = connection
    this.#confirming = confirming
  }

  /** Makes sure that something is there: of an empty stream queue nobody learns where it ends. */
  async begin(channel: string, signal: AbortSignal): Promise<void> {
    const look = (amqp: AmqpChannel) => amqp.checkQueue(notesName(channel))
    const { messageCount } = await this.#connection.ask('open', channel, look)
    if (messageCount === 0) await this.add(channel, {}, signal)
  }

  async add(channel: string, note: Note, signal: AbortSignal): Promise<void> {
    const content = Buffer.from(JSON.stringify(note))
    const frame = { content, properties: { contentType: 'application/json' } }
    const addressed = { ...frame, ...toQueue(notesName(channel)), delayMs: 0 }
    const [said] = await this.#confirming.send([addressed], signal)
    if (said === 'stored') return
    const text = `"${channel}": what is said of it was not stored (${said})`
    throw rabbitmqError('UNAVAILABLE', 'open', text, { channel })
  }

  async groups(channel: string, signal: AbortSignal): Promise<string[]> {
    const notes = await this.#all(channel, signal)
    return [...new Set(notes.flatMap(({ group }) => group ?? []))]
  }

  async #all(channel: string, signal: AbortSignal): Promise<Note[]> {
    const queue = notesName(channel)
    let last = 0
    for await (const batch of readLog(this.#connection, queue, 'last', signal)) {
      last = Math.max(...batch.map(offsetOf))
      break
    }
    const notes: Note[] = []
    for await (const batch of readLog(this.#connection, queue, 'first', signal)) {
      notes.push(...batch.map(({ content }) => JSON.parse(content.toString()) as Note))
      if (batch.some((raw) => offsetOf(raw) >= last)) break
    }
    return notes
  }
}
