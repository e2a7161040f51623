import type { ErrorCode, NarrowcastError } from '../../../core/errors.ts'
import type { IncomingMessage } from '../../../core/message.ts'
import { type LocalLiveOptions, LocalLiveSource } from '../../_shared/live/localLiveSource.ts'
import type { AmqpMessage } from '../client.ts'
import { toQueue } from '../confirming.ts'
import type { Connection } from '../connection.ts'
import { presentName, subscriberName, workersName } from '../layout.ts'
import { rabbitmqError } from '../rabbitmqErrors.ts'
import { hasId, messageOf } from '../wire.ts'
import { type Binding, Mailbox } from './mailbox.ts'
import { partOf, routingKeyOf } from './names.ts'
import { askKey, toldKey, type Words, wordOf } from './words.ts'

export interface MemberOptions extends LocalLiveOptions {
  /** That reads. */
  readonly connection: Connection
  readonly words: Words
  /** The broker has ended it: another program may have removed its queue, or the exchange. */
  readonly broken: () => void
}

/** One subscriber of a broadcast, or one worker of a narrowcast. It is there once. */
export class RabbitmqMember extends LocalLiveSource<AmqpMessage, MemberOptions> {
  readonly #queue: string
  #opening: Promise<Mailbox> | null = null
  #mailbox: Mailbox | null = null
  /** Publishers were told that it is there, and not that it has left. */
  #isTold = false

  constructor(options: MemberOptions) {
    const { channel, spec } = options
    super(options, (raw) => read(raw, channel.name))
    this.#queue = subscriberName(channel.name, partOf(spec.worker.id))
  }

  get incarnation(): string {
    return this.options.spec.worker.incarnation
  }

  async begin(): Promise<void> {
    await this.open()
    if (this.ended) throw this.ended
    this.lease.waits(false)
  }

  /** Another subscription has its place. */
  replace(incarnation: string): void {
    const { id } = this.options.spec.worker
    const isSame = incarnation === this.incarnation
    const text = isSame
      ? `another source was opened for worker ${id}`
      : `another start of ${id} has its place`
    this.end(this.error(isSame ? 'CLOSED' : 'NOT_FOUND', 'receive', text))
  }

  override async renew(signal: AbortSignal): Promise<void> {
    await super.renew(signal)
    this.#mailbox?.tend()
  }

  protected override async listen(): Promise<void> {
    const { connection, spec, on, words, channel, broken } = this.options
    const { worker, leaseMs } = spec
    this.#opening = Mailbox.open({
      ...{ connection, queue: this.#queue, bindings: this.#bindings },
      present: channel.pattern === 'narrowcast' ? presentName(channel.name) : null,
      claimed: () => void words.say({ word: 'leave', worker }, toQueue(this.#queue)),
      came: (message) => this.#came(message),
      dropped: () => {
        if (!this.isOver) on.gap('unknown', 'overflow')
      },
      broken: (why) => {
        broken()
        this.end(this.error('NOT_FOUND', 'receive', why))
      },
    })
    this.#mailbox = await this.#opening
    if (channel.pattern === 'broadcast' || this.isOver) return
    this.#isTold = true
    await words.say({ word: 'here', worker, leaseMs }, this.#told)
  }

  protected override async unlisten(): Promise<void> {
    const mailbox = await this.#opening?.catch(() => null) // there is none
    if (!mailbox || this.isOver) return
    await mailbox.shut(() => this.isOver)
    await this.#leaves()
  }

  protected override async leaveBroker(): Promise<void> {
    const mailbox = await this.#opening?.catch(() => null)
    await mailbox?.remove()
    await this.#leaves()
  }

  /** The queue ends with its connection, and what keeps it from being removed ends that too. */
  protected override stays(): void {}

  protected override error(code: ErrorCode, operation: string, text: string): NarrowcastError {
    const { pattern, name } = this.options.channel
    const whole = `subscriber of ${pattern} "${name}": ${text}`
    return rabbitmqError(code, operation, whole, { channel: name })
  }

  get #bindings(): Binding[] {
    const { channel, spec } = this.options
    if (channel.pattern === 'broadcast') return [{ exchange: channel.name, key: '' }]
    return [
      { exchange: channel.name, key: routingKeyOf(spec.worker) },
      { exchange: workersName(channel.name), key: askKey },
    ]
  }

  get #told() {
    return { exchange: workersName(this.options.channel.name), routingKey: toldKey }
  }

  /** Words are not said by the exchange of the channel itself: there everything is a message. */
  #came(raw: AmqpMessage): void {
    const { exchange } = raw.fields
    const { name } = this.options.channel
    const word = exchange === name ? null : wordOf(raw)
    if (word?.word === 'ask') this.#answer(raw.properties.replyTo)
    else if (word?.word === 'leave') this.replace(word.worker.incarnation)
    else if (exchange !== workersName(name)) this.put(raw, raw.content.length)
  }

  /** Who was stopped for too long is there no more, and may find out only here. */
  #answer(replyTo: string | undefined): void {
    this.lease.check()
    if (this.isOver || !replyTo) return
    const { words, spec } = this.options
    const { worker, leaseMs } = spec
    void words.say({ word: 'here', worker, leaseMs }, toQueue(replyTo))
  }

  async #leaves(): Promise<void> {
    if (!this.#isTold) return
    this.#isTold = false
    const { words, spec } = this.options
    await words.say({ word: 'left', worker: spec.worker }, this.#told)
  }
}

/** A message without an id is that of another program, which says nothing but the data. */
function read(raw: AmqpMessage, channel: string): IncomingMessage {
  const message = messageOf(raw, channel, Date.now())
  return hasId(raw) ? message : { ...message, isPlain: true }
}
