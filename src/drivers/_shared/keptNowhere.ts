import type { Contract } from '../../core/contract.ts'

/** What holds on every broker for messages that are handed to who is there, and kept for nobody. */
export const keptNowhere = {
  delivery: 'at-most-once',
  survives: {
    'worker-crash': 'no',
    'broker-restart': 'no',
    'broker-crash': 'no',
    'node-loss': 'no',
    'power-loss': 'no',
  },
  settle: 'none',
  fencing: 'none',
  counts: { failures: 'no', crashes: 'no' },
  release: 'none',
  keyOrder: 'no',
  redelivery: { how: 'none', withinMs: 0 },
  delay: { how: 'no', errorMs: 0, errorShare: 0, msMax: 0 },
  dedupe: { publishWindowMsMax: null, consume: 'no' },
  positions: 'none',
  pause: false,
  deadLetters: false,
  peek: 'no',
  depth: 'no',
  watchdog: false,
} as const satisfies Partial<Contract>
