import type { ChannelSpec } from '../../../core/channel.ts'
import type { Publisher } from '../../../core/driver.ts'
import { asNarrowcastError } from '../../../core/errors.ts'
import type { OutgoingMessage, PublishOutcome } from '../../../core/message.ts'
import type { Argument } from '../connection.ts'
import { inTime } from '../inTime.ts'
import { helperKey } from '../keys.ts'
import { batchMax, failed, faultOf, leftNothing } from '../outgoing.ts'
import { redisError } from '../redisErrors.ts'
import { Script } from '../script.ts'
import type { Home } from '../servers.ts'
import type { Context } from '../session.ts'
import { timeText } from '../timeText.ts'
import type { Declared } from './declared.ts'
import { fieldsOf, isPlain } from './entry.ts'
import { channelKeys } from './keys.ts'
import { storingLua } from './lua.ts'
import { trimSome } from './retention.ts'
import { publishWord } from './words.ts'

/**
 * Stores messages of which there is no more to say than their data, id and time. Those of one time
 * follow each other: after the time and their number come data and id of each. Returns their places
 * in one text.
 */
const storingPlain = new Script(
  `${storingLua}
local add, places, at = redis.call, {}, 2
while at < #ARGV do
  local time, first, last = ARGV[at], at + 2, at + 2 * ARGV[at + 1]
  for n = first, last, 2 do
    places[#places + 1] = add('XADD', stream, '*', 'data', ARGV[n], 'id', ARGV[n + 1], 'time', time)
  end
  at = last + 2
end
wake()
return table.concat(places, ' ')
`,
)

/**
 * Stores a batch in one step: data first, then the mark of publish-dedupe. After the window of
 * dedupe come, for each message, its delay, the number of its key of dedupe, and its fields.
 */
const storing = new Script(
  `${storingLua}
-- keys of another program are met before anything is written
redis.call('XLEN', stream)
redis.call('HLEN', flags)
redis.call('ZCARD', delayed)
redis.call('HLEN', delayedMessages)
for at = 6, #KEYS do redis.call('GET', KEYS[at]) end
local windowMs = tonumber(ARGV[2])
local out = {}
local at = 3
while at <= #ARGV do
  local delayMs, mark, count = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local first, last = at + 3, at + 2 + count
  local known = mark > 0 and redis.call('GET', KEYS[mark])
  if known then
    out[#out + 1] = '=' .. known
  elseif delayMs > 0 then
    -- of one moment they come out in the order of their texts
    local number = string.format('%016.0f', redis.call('HINCRBY', flags, 'delayed', 1))
    redis.call('HSET', delayedMessages, number, cmsgpack.pack({ unpack(ARGV, first, last) }))
    redis.call('ZADD', delayed, now + delayMs, number)
    out[#out + 1] = ''
  else
    out[#out + 1] = redis.call('XADD', stream, '*', unpack(ARGV, first, last))
  end
  if mark > 0 and not known then
    redis.call('SET', KEYS[mark], out[#out], 'PX', windowMs)
  end
  at = last + 1
end
wake()
return out
`,
)

/** A script passes on some 8,000 values in one call: two for each field. */
const headersMax = 3_500
/** How often a publisher lets a stream forget what its retention allows. */
const trimEveryMs = 1_000

export class StreamPublisher implements Publisher {
  readonly #context: Context
  readonly #channel: ChannelSpec
  readonly #declared: Declared
  #isClosed = false
  #trimAtMs = Number.NEGATIVE_INFINITY

  constructor(context: Context, channel: ChannelSpec, declared: Declared) {
    this.#context = context
    this.#channel = channel
    this.#declared = declared
    context.opened.add(this)
  }

  async publish(batch: readonly OutgoingMessage[], signal: AbortSignal): Promise<PublishOutcome[]> {
    this.#context.checkOpen('publish')
    if (this.#isClosed) throw redisError('CLOSED', 'publish', 'this publisher was closed')
    const faults = batch.map((message) => this.#fault(message))
    const sent = batch.filter((_, at) => faults[at] === null)
    const stored: PublishOutcome[] = []
    for (let from = 0; from < sent.length; from += batchMax) {
      stored.push(...(await this.#store(sent.slice(from, from + batchMax), signal)))
    }
    let next = 0
    return faults.map((fault) => fault ?? (stored[next++] as PublishOutcome))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#context.opened.delete(this)
  }

  #fault(message: OutgoingMessage): PublishOutcome | null {
    const fault = faultOf(this.#channel, message)
    if (fault !== null) return failed('refused', fault)
    let count = 0
    for (const _ in message.headers) count++
    if (count <= headersMax) return null
    const text = `redis: publish: a message of ${count} headers; an entry of "${this.#channel.name}" takes ${headersMax}`
    return { state: 'refused', code: 'UNSUPPORTED', message: text }
  }

  async #store(batch: readonly OutgoingMessage[], signal: AbortSignal): Promise<PublishOutcome[]> {
    const { name } = this.#channel
    const home = this.#context.home(name)
    const store = batch.every((message) => this.#isPlain(message))
      ? () => this.#storePlain(home, batch)
      : () => this.#storeAny(home, batch)
    try {
      const outcomes = await inTime(home, 'publish', signal, store)
      await this.#forget()
      return outcomes
    } catch (cause) {
      const error = asNarrowcastError(cause)
      const outcome = failed(leftNothing(error) ? 'refused' : 'unknown', error)
      return batch.map(() => outcome)
    }
  }

  #isPlain(message: OutgoingMessage): boolean {
    const isMarked = this.#declared.dedupeWindowMs !== null && message.dedupeId !== null
    return message.delayMs <= 0 && !isMarked && isPlain(this.#channel.name, message)
  }

  async #storePlain(home: Home, batch: readonly OutgoingMessage[]): Promise<PublishOutcome[]> {
    const { name } = this.#channel
    const args: Argument[] = [publishWord(this.#context, name)]
    for (let from = 0, to = 1; from < batch.length; from = to++) {
      const { timeMs } = batch[from] as OutgoingMessage
      while (batch[to]?.timeMs === timeMs) to++
      args.push(timeText(timeMs), String(to - from))
      for (const { body, id } of batch.slice(from, to)) args.push(body as string, id)
    }
    const places = await home.run<string>(storingPlain, channelKeys(name), args, 'publish')
    return places.split(' ').map((position) => ({ state: 'stored', duplicate: false, position }))
  }

  async #storeAny(home: Home, batch: readonly OutgoingMessage[]): Promise<PublishOutcome[]> {
    const [keys, args] = this.#request(batch)
    const answers = await home.run<string[]>(storing, keys, args, 'publish')
    return answers.map(outcomeOf)
  }

  #request(batch: readonly OutgoingMessage[]): [string[], Argument[]] {
    const { name } = this.#channel
    const { dedupeWindowMs } = this.#declared
    const keys = channelKeys(name)
    const args: Argument[] = [publishWord(this.#context, name), String(dedupeWindowMs ?? 0)]
    for (const message of batch) {
      const { dedupeId, delayMs } = message
      const isMarked = dedupeWindowMs !== null && dedupeId !== null
      if (isMarked) keys.push(helperKey(name, `dedupe:${dedupeId}`))
      const fields = fieldsOf(name, message)
      args.push(String(Math.ceil(delayMs)), String(isMarked ? keys.length : 0))
      args.push(String(fields.length))
      for (const field of fields) args.push(field)
    }
    return [keys, args]
  }

  /**
   * One step, so that no publish waits for all of it: while there is more, the next one takes it on.
   * What fails here is tried again with a later batch: these messages are stored.
   */
  async #forget(): Promise<void> {
    const nowMs = performance.now()
    if (!this.#declared.isRetained || nowMs < this.#trimAtMs) return
    this.#trimAtMs = nowMs + trimEveryMs
    const { name } = this.#channel
    const some = trimSome(this.#context, name, this.#declared.retention)
    if (await some.catch(() => false)) this.#trimAtMs = nowMs
  }
}

function outcomeOf(answer: string): PublishOutcome {
  const duplicate = answer.startsWith('=')
  const position = duplicate ? answer.slice(1) : answer
  return { state: 'stored', duplicate, ...(position === '' ? {} : { position }) }
}
