import type { ChannelSpec, ReaderSpec } from '../../src/core/channel.ts'
import type { Session, Source } from '../../src/core/driver.ts'
import type { Delivery, OutgoingMessage, Token } from '../../src/core/message.ts'
import { kafka } from '../../src/drivers/kafka/index.ts'
import { message, readerSpec, spec } from './file/store.ts'

const never = new AbortController().signal

export async function openKafka(url: string): Promise<Session> {
  return await kafka({ url }).open({ closed: () => {} }, never)
}

/** What a source was told of tokens that it lost. */
export interface OpenedSource extends AsyncDisposable {
  readonly source: Source
  readonly lost: { readonly tokens: readonly Token[] | 'all'; readonly why: string }[]
}

export async function openSource(
  session: Session,
  channel: ChannelSpec,
  reader: Partial<ReaderSpec> & { readonly reader: string },
): Promise<OpenedSource> {
  const lost: OpenedSource['lost'] = []
  const whole = readerSpec(reader.reader, reader)
  const source = await session.source(
    channel,
    whole,
    { lost: (tokens, why) => lost.push({ tokens, why }) },
    never,
  )
  return { source, lost, [Symbol.asyncDispose]: async () => source[Symbol.asyncDispose]() }
}

export async function publishAll(
  session: Session,
  channel: ChannelSpec,
  messages: readonly OutgoingMessage[],
): Promise<void> {
  await using publisher = await session.publisher(channel, never)
  for (const one of await publisher.publish(messages, never)) {
    if (one.state !== 'stored') throw new Error(JSON.stringify(one))
  }
}

/** So many, in as many looks as that takes. */
export async function takeAll({ source }: OpenedSource, count: number): Promise<Delivery[]> {
  const all: Delivery[] = []
  while (all.length < count) {
    all.push(...(await source.receive({ messages: count - all.length, bytes: 1e8 }, never)))
  }
  return all
}

export async function ackAll({ source }: OpenedSource, all: readonly Delivery[]): Promise<void> {
  const acks = all.map(({ token }) => ({ token, kind: 'ack' as const }))
  const said = await source.settle(acks, never)
  if (said.some((one) => one !== 'sent')) throw new Error(said.join(' '))
}

let channels = 0

/** Of a name that nobody else has. */
export const queue = (over: Partial<ChannelSpec> = {}): ChannelSpec =>
  spec({ name: `q-${process.pid}-${++channels}`, ...over })

export const several = (count: number, prefix = 'm'): OutgoingMessage[] =>
  Array.from({ length: count }, (_, n) => message(`${prefix}${n}`))
