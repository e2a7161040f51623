import type { OutgoingMessage } from '../../core/message.ts'
import { cloudEventText } from './wire.ts'

/** Where the time of a message is off by more, its element says when it came in. */
const offMsMax = 1_000

/** Needs no escape in JSON. */
const plainText = /^[ !#-[\]-~]*$/

/** Writes messages as CloudEvents; most of them from parts that are the same for all. */
export class OwnWriter {
  #type = ''
  #source = ''
  #between = ''
  #timeMs = Number.NaN
  #time = ''

  /** Of what is kept: it says when it came in where that is another time. */
  writeKept(message: OutgoingMessage): string {
    const nowMs = Date.now()
    const isOff = Math.abs(nowMs - message.timeMs) > offMsMax
    return isOff ? cloudEventText(message, nowMs) : this.write(message)
  }

  write(message: OutgoingMessage): string {
    const { id, timeMs, body } = message
    if (typeof body !== 'string' || !isPlain(message) || !plainText.test(id)) {
      return cloudEventText(message)
    }
    if (message.type !== this.#type || message.source !== this.#source) this.#learn(message)
    if (timeMs !== this.#timeMs) {
      this.#timeMs = timeMs
      this.#time = new Date(timeMs).toISOString()
    }
    return `{"specversion":"1.0","id":"${id}${this.#between}${this.#time}","datacontenttype":"application/json","data":${body}}`
  }

  #learn({ type, source }: OutgoingMessage): void {
    this.#type = type
    this.#source = source
    this.#between = `","source":${JSON.stringify(source)},"type":${JSON.stringify(type)},"time":"`
  }
}

function isPlain({ key, redrives, headers }: OutgoingMessage): boolean {
  if (key !== null || redrives !== 0) return false
  for (const _ in headers) return false
  return true
}
