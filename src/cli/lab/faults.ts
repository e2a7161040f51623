import { findRedisProgram } from '../../lab/brokers/redisProgram.ts'
import type { Run } from '../invocation.ts'
import type { Column } from '../output/table.ts'

interface Mechanism {
  readonly fault: string
  /** What is done, and to whom. */
  readonly how: string
  /** Why it cannot be done here; null: it can. */
  readonly missing: string | null
  /** Where it can be done, it can on these alone; null: everywhere but in memory. */
  readonly only: string | null
}

/** `lab ls --faults`: what can be broken on this machine, and what cannot. */
export const lsFaults: Run = async ({ output }) => {
  const hasRedis = (await findRedisProgram()) !== null
  await output.list({ type: 'lab.faults', columns, rows: mechanisms(hasRedis) })
}

function mechanisms(hasRedis: boolean): Mechanism[] {
  const noSignals = process.platform === 'win32' ? 'Windows has no such signals' : null
  const ofBroker = hasRedis
    ? 'file, and Redis where the lab starts it'
    : 'file: no redis-server is on the PATH'
  const later = 'this version has no means for it'
  return [
    { fault: 'kill', how: 'SIGKILL any process', missing: null, only: null },
    { fault: 'stop', how: 'SIGSTOP, later SIGCONT', missing: noSignals, only: null },
    { fault: 'churn', how: 'workers leave and come', missing: null, only: null },
    { fault: 'broker-stop', how: 'SIGTERM the broker', missing: null, only: ofBroker },
    { fault: 'broker-crash', how: 'SIGKILL the broker', missing: null, only: ofBroker },
    {
      ...{ fault: 'network', how: 'hold connections in a proxy', missing: null },
      only: hasRedis ? 'Redis' : 'a Redis that is given by its URL',
    },
    { fault: 'packet-loss', how: 'a network namespace', missing: later, only: null },
    { fault: 'power-loss', how: 'forget unsynced writes', missing: later, only: null },
  ]
}

const columns: readonly Column<Mechanism>[] = [
  { name: 'fault', value: ({ fault }) => fault },
  {
    ...{ name: 'works', value: ({ missing }) => missing === null },
    text: ({ missing }) => (missing === null ? 'yes' : 'no'),
  },
  { name: 'how', value: ({ how }) => how, goes: 1 },
  {
    ...{ name: 'where', wraps: true, widthMin: 16 },
    value: ({ missing, only }) => missing ?? only ?? 'every backend but memory',
  },
]
