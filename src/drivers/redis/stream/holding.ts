import type { ChannelSpec, ReaderSpec } from '../../../core/channel.ts'
import type { LostWhy, SourceEvents } from '../../../core/driver.ts'
import type { NarrowcastError } from '../../../core/errors.ts'
import type { Token } from '../../../core/message.ts'
import { redisError } from '../redisErrors.ts'
import { Begun } from './begun.ts'
import { Hand, type HeldEntry } from './hand.ts'
import type { Line } from './line.ts'
import { type Opened, open } from './open.ts'
import { renew } from './renew.ts'

export interface HoldingOptions {
  readonly channel: ChannelSpec
  readonly line: Line
  readonly spec: ReaderSpec
  readonly on: SourceEvents
  readonly opened: Opened
  readonly held: readonly HeldEntry[]
  /** Given out until now. */
  readonly lastSerial: () => number
  /** Something in hand is not any more: what was not returned yet goes too. */
  readonly dropLost: () => void
}

/** What one source holds for its reader, how that is kept, and what of it is lost. */
export class Holding {
  readonly hand = new Hand()
  readonly #of: HoldingOptions
  #opened: Opened
  /** Lost since the last renewal, which says so again. */
  #lostTokens: Token[] = []
  /** Marked as begun up to here. */
  #begunTo = 0
  #isReplaced = false
  #attaching: Promise<void> | null = null

  constructor(options: HoldingOptions) {
    this.#of = options
    this.#opened = options.opened
    for (const one of options.held) this.hand.add(one)
  }

  /** The present opening of the reader. */
  get opened(): string {
    return this.#opened.opened
  }

  /** Another source speaks for the reader. */
  get isReplaced(): boolean {
    return this.#isReplaced
  }

  setReplaced(): void {
    this.#isReplaced = true
  }

  /** @throws CLOSED */
  throwReplaced(): never {
    this.setReplaced()
    throw this.error('CLOSED', `another source was opened for ${this.#of.spec.reader}`)
  }

  error(code: 'CLOSED' | 'INVALID_ARGUMENT', text: string): NarrowcastError {
    const { name } = this.#of.channel
    return redisError(code, 'source', `"${name}": ${text}`, { channel: name })
  }

  lose(tokens: readonly Token[], why: LostWhy): void {
    if (tokens.length === 0) return
    for (const token of tokens) {
      const held = this.hand.get(token)
      if (held) this.hand.lose(held)
      else this.hand.noteLost(token.serial)
    }
    this.#of.dropLost()
    this.#lostTokens.push(...tokens)
    this.#of.on.lost(tokens, why)
  }

  /** Returns what is lost since the last time. @throws CLOSED */
  async renew(begun: Token | null): Promise<Token[]> {
    const { spec, line } = this.#of
    const isMarking = spec.charge === 'marked' && begun?.reader === spec.reader
    const upTo = isMarking ? begun.serial : 0
    const marked = upTo > this.#begunTo ? this.#notBegun(upTo) : []
    const { opened } = this
    // Before each batch it is asked for the mark alone: takes under way would not let it add up.
    const expected = begun === null ? this.hand.size : null
    const before = begun === null ? [...this.hand.values()].filter(isOpen) : []
    const mark = marked.length > 0 ? new Begun(upTo, marked) : null
    const over = this.hand.takeOver()
    const { state, owned } = await renew(line, { spec, opened, begun: mark, over, expected })
    this.#begunTo = Math.max(this.#begunTo, upTo)
    if (state === 'replaced') this.throwReplaced()
    else if (state === 'expired') await this.attachAgain(opened)
    else if (owned) {
      const isLost = (held: HeldEntry) =>
        isOpen(held) &&
        this.hand.get(held.token) !== undefined &&
        owned.get(held.token.entry) !== held.token.count
      await this.#tellTaken(before.filter(isLost))
    }
    return this.#lostTokens.splice(0)
  }

  /**
   * The lease had ended while it was open as this: all that it held is lost.
   * @throws NOT_FOUND, CONFLICT
   */
  async attachAgain(opened: string): Promise<void> {
    if (opened !== this.opened) return
    this.#attaching ??= this.#attachNow().finally(() => {
      this.#attaching = null
    })
    await this.#attaching
  }

  async #attachNow(): Promise<void> {
    const { line, spec, channel, lastSerial } = this.#of
    const held = [...this.hand.values()].map(({ token }) => token)
    this.lose(held, 'expired')
    this.#opened = await open(line, channel, spec, [], lastSerial())
  }

  #notBegun(upTo: number): HeldEntry[] {
    const found: HeldEntry[] = []
    for (const held of this.hand.values()) {
      const { serial } = held.token
      const isNew = serial > this.#begunTo && serial <= upTo
      if (isNew && held.begun === null && isOpen(held)) found.push(held)
    }
    return found
  }

  /** Somebody has moved the group, or removed the message. */
  async #tellTaken(lost: readonly HeldEntry[]): Promise<void> {
    const { line } = this.#of
    for (const { token } of lost) {
      const range = ['XRANGE', line.channel, token.entry, token.entry]
      const isThere = (await line.send<unknown[]>(range, 'bytes')).length > 0
      this.lose([token], isThere ? 'revoked' : 'cancelled')
    }
  }
}

const isOpen = ({ settling }: HeldEntry): boolean => settling === null
