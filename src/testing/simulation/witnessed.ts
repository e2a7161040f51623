import type { Driver, Marks, Session, Source } from '../../core/driver.ts'
import type { Ledger } from './ledger.ts'
import { lineOf } from './plan.ts'
import type { Process } from './process.ts'

/** A driver whose every step is noted at the store, before any network. */
export function witnessed(driver: Driver, process: Process, ledger: Ledger): Driver {
  return {
    name: driver.name,
    contracts: driver.contracts,
    open: async (on, signal) => witnessedSession(await driver.open(on, signal), process, ledger),
  }
}

function witnessedSession(session: Session, process: Process, ledger: Ledger): Session {
  const marks = session.marks?.bind(session)
  const readers = new Set<string>()
  return {
    info: session.info,
    admin: session.admin,
    contract: (channel, signal) => session.contract(channel, signal),
    ...(marks && {
      marks: (channel, group, windowMs) =>
        witnessedMarks(marks(channel, group, windowMs), lineOf(channel.name, group), ledger),
    }),
    async publisher(channel, signal) {
      const publisher = await session.publisher(channel, signal)
      return {
        async publish(batch, abort) {
          const outcomes = await publisher.publish(batch, abort)
          ledger.published(channel.name, batch, outcomes)
          return outcomes
        },
        [Symbol.asyncDispose]: () => publisher[Symbol.asyncDispose](),
      }
    },
    async source(channel, reader, on, signal) {
      ledger.opened(process, reader)
      readers.add(reader.reader)
      const source = await session.source(
        channel,
        reader,
        {
          lost(tokens, why) {
            if (tokens !== 'all') ledger.lost(tokens, why)
            on.lost(tokens, why)
          },
        },
        signal,
      )
      const line = lineOf(channel.name, reader.group)
      return witnessedSource(source, process, reader.reader, line, ledger)
    },
    async [Symbol.asyncDispose]() {
      for (const reader of readers) ledger.left(reader) // also of sources that nobody disposed
      await session[Symbol.asyncDispose]()
    },
  }
}

const nobody = { messages: 0, oldestMs: 0 }

function witnessedMarks(marks: Marks, line: string, { claims }: Ledger): Marks {
  return {
    async claim(ids, by, leaseMs, signal) {
      const answers = await marks.claim(ids, by, leaseMs, signal)
      for (const [n, id] of ids.entries()) {
        const answer = answers[n]
        if (answer) claims.answered(`${id} of ${line}`, by, leaseMs, answer)
      }
      return answers
    },
    async finish(ids, by, keepMs, signal) {
      await marks.finish(ids, by, keepMs, signal)
      for (const id of ids) claims.finished(`${id} of ${line}`, by)
    },
  }
}

function witnessedSource(
  source: Source,
  process: Process,
  reader: string,
  line: string,
  ledger: Ledger,
): Source {
  return {
    leaseMs: source.leaseMs,
    async receive(room, signal) {
      const deliveries = await source.receive(room, signal)
      ledger.begunByTake(deliveries)
      return ledger.handOut(process, line, deliveries)
    },
    settle: (batch, signal) => ledger.settling(batch, () => source.settle(batch, signal)),
    async renew(begun, signal) {
      const lost = await source.renew(begun, signal)
      ledger.renewed(reader, source.leaseMs)
      if (begun) ledger.begun(process, begun)
      return lost
    },
    ...(source.deliverable && {
      deliverable: async (signal) => source.deliverable?.(signal) ?? nobody,
    }),
    stop: async (signal) => ledger.handOut(process, line, await source.stop(signal)),
    async [Symbol.asyncDispose]() {
      ledger.left(reader)
      await source[Symbol.asyncDispose]()
    },
  }
}
