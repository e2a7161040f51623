import type { Admin, Driver, Publisher, Source } from '../core/driver.ts'
import type {
  DeadLetter,
  Delivery,
  OutgoingMessage,
  PublishOutcome,
  Settlement,
  Token,
} from '../core/message.ts'
import { type SharedLie, SharedLying, sharedLies } from './lyingTogether.ts'

/** What a broker or its driver may do wrong, one thing at a time. */
export const lies = [
  'none',
  'drops what it has stored',
  'stores what it refuses',
  'stores one message twice',
  'forgets ids that it should know',
  'hands out a foreign message',
  'changes a byte',
  'acknowledges before the handler',
  'gives one message to two workers',
  'keeps messages for itself',
  'lets some wait that are due',
  'counts more than it has',
  'buries what may be tried again',
  ...sharedLies,
] as const
export type Lie = (typeof lies)[number]

/** Chance, one number in [0, 1) for each message. */
export type Chance = (id: string) => number

/** One of so many messages is lied about. */
const share = 0.03
const lateMs = 200

/** The driver of an honest broker, but for one lie. Messages are chosen by their ids alone. */
export function liar(driver: Driver, lie: Lie, chance: Chance): Driver {
  const isChosen = (id: string) => chance(id) < share
  const twins: Twin[] = []
  const shared = isShared(lie) ? new SharedLying(lie) : null
  return {
    ...driver,
    async open(on, signal) {
      const session = await driver.open(on, signal)
      return {
        info: session.info,
        admin: lie === 'counts more than it has' ? miscounting(session.admin) : session.admin,
        contract: (...of) => session.contract(...of),
        publisher: async (...of) => lyingPublisher(await session.publisher(...of), lie, isChosen),
        async source(channel, reader, on, signal) {
          const own = shared ? shared.events(on) : on
          const source = await session.source(channel, reader, own, signal)
          if (shared) return shared.source(source, reader.worker.id)
          return lyingSource(source, lie, isChosen, twins)
        },
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
  }
}

function isShared(lie: Lie): lie is SharedLie {
  return sharedLies.some((one) => one === lie)
}

type IsChosen = (id: string) => boolean

function lyingPublisher(publisher: Publisher, lie: Lie, isChosen: IsChosen): Publisher {
  const chosen = (batch: readonly OutgoingMessage[]) => batch.filter(({ id }) => isChosen(id))
  const told = (batch: readonly OutgoingMessage[], said: PublishOutcome[], lied: PublishOutcome) =>
    batch.map(({ id }, at) => (isChosen(id) ? lied : (said[at] as PublishOutcome)))
  const publish: Publisher['publish'] = (batch, signal) => publisher.publish(batch, signal)
  /** The whole batch, and something more of which nobody hears. */
  const beside =
    (more: (message: OutgoingMessage) => OutgoingMessage): Publisher['publish'] =>
    async (batch, signal) => {
      const said = await publish([...batch, ...chosen(batch).map(more)], signal)
      return said.slice(0, batch.length)
    }
  const ways: Partial<Record<Lie, Publisher['publish']>> = {
    'drops what it has stored': async (batch, signal) => {
      const kept = batch.filter(({ id }) => !isChosen(id))
      const said = kept.length === 0 ? [] : await publish(kept, signal)
      const stored: PublishOutcome = { state: 'stored', duplicate: false }
      return batch.map(({ id }) => (isChosen(id) ? stored : (said.shift() as PublishOutcome)))
    },
    'stores what it refuses': async (batch, signal) =>
      told(batch, await publish(batch, signal), refused),
    'stores one message twice': beside((message) => ({ ...message, dedupeId: null })),
    'forgets ids that it should know': (batch, signal) =>
      publish(
        batch.map((message) => (isChosen(message.id) ? { ...message, dedupeId: null } : message)),
        signal,
      ),
    'lets some wait that are due': (batch, signal) =>
      publish(
        batch.map((message) => (isChosen(message.id) ? { ...message, delayMs: lateMs } : message)),
        signal,
      ),
    'hands out a foreign message': beside((message) => ({
      ...message,
      id: `foreign ${message.id}`,
      dedupeId: null,
      body: new TextEncoder().encode('not of this run'),
    })),
    'changes a byte': beside((message) => {
      const body = Buffer.from(message.body as Uint8Array)
      body[0] = (body[0] as number) ^ 1
      return { ...message, id: `changed ${message.id}`, dedupeId: null, body }
    }),
  }
  return {
    publish: ways[lie] ?? publish,
    [Symbol.asyncDispose]: () => publisher[Symbol.asyncDispose](),
  }
}

function miscounting({ depths, ...admin }: Admin): Admin {
  if (!depths) return admin
  return {
    ...admin,
    async depths(channels, signal) {
      const all = await depths(channels, signal)
      // More than it has counted when the load began, too: else nobody could tell.
      const more = (count: number) => count + Math.ceil(count / 100)
      return all.map(
        (depth) => depth && { ...depth, in: depth.in === 'unknown' ? 1 : more(depth.in) },
      )
    },
  }
}

const refused: PublishOutcome = { state: 'refused', code: 'UNAVAILABLE', message: 'so it says' }

/** A delivery that another worker is to be given too. */
interface Twin {
  readonly delivery: Delivery
  readonly first: Source
}

/** A retry as the death that it would be after the last one. */
function buried(settlement: Settlement): Settlement {
  if (settlement.kind !== 'retry') return settlement
  const { token, failures, error } = settlement
  const letter: DeadLetter = {
    ...{ cause: 'failures', reason: error.message, error, failures, crashes: 0, redrives: 0 },
    ...{ firstFailedMs: error.atMs, diedMs: error.atMs, channel: '', group: null },
    worker: error.worker,
  }
  return { token, kind: 'dead', letter }
}

function lyingSource(source: Source, lie: Lie, isChosen: IsChosen, twins: Twin[]): Source {
  /** Deliveries of others: what becomes of them here changes nothing. */
  const foreign = new Set<Token>()
  const receive: Source['receive'] = (room, signal) => source.receive(room, signal)
  const kept = (all: Delivery[]) => all.filter(({ message }) => !isChosen(message.id))
  const ways: Partial<Record<Lie, Source['receive']>> = {
    'acknowledges before the handler': async (room, signal) => {
      const all = await receive(room, signal)
      const acks = all.map(({ token }) => ({ token, kind: 'ack' }) as const)
      if (acks.length > 0) await source.settle(acks, signal)
      return all
    },
    'gives one message to two workers': async (room, signal) => {
      const at = twins.findIndex(({ first }) => first !== source)
      const [twin] = at < 0 ? [] : twins.splice(at, 1)
      if (twin) {
        foreign.add(twin.delivery.token)
        return [twin.delivery]
      }
      const all = await receive(room, signal)
      for (const delivery of all) {
        if (isChosen(delivery.message.id)) twins.push({ delivery, first: source })
      }
      return all
    },
    'keeps messages for itself': async (room, signal) => {
      for (;;) {
        const all = await receive(room, signal)
        const shown = kept(all)
        if (shown.length > 0 || all.length === 0 || signal.aborted) return shown
      }
    },
  }
  return {
    leaseMs: source.leaseMs,
    receive: ways[lie] ?? receive,
    async settle(batch, signal) {
      const buries = lie === 'buries what may be tried again'
      const ours = batch.filter(({ token }) => !foreign.has(token))
      const own = buries ? ours.map(buried) : ours
      const said = own.length === 0 ? [] : await source.settle(own, signal)
      return batch.map(({ token }) => (foreign.has(token) ? 'settled' : (said.shift() ?? 'late')))
    },
    renew: (begun, signal) =>
      source.renew(begun !== null && foreign.has(begun) ? null : begun, signal),
    async stop(signal) {
      const all = await source.stop(signal)
      return lie === 'keeps messages for itself' ? kept(all) : all
    },
    ...(source.deliverable && { deliverable: source.deliverable.bind(source) }),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
}
