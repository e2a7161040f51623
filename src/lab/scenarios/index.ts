import { type Scenario, type ScenarioInput, scenarioSchema } from './scenario.ts'

const lostAcks = {
  kind: 'network',
  rule: { kind: 'lostAck', p: 0.05, seed: 7 },
  target: 'producers',
  at: '5%',
  forMs: 16_000,
} as const

/** Of a worker that does not move, others are handed what it has. */
const pastItsLease = {
  load: { perSecond: 200, concurrency: 16, handlerMs: 200, messages: 5_000 },
  live: { handlerMs: 20 },
  bites: [{ is: 'seenElsewhere', atLeast: 1, of: 'kept' }],
} satisfies Partial<ScenarioInput>

const written: readonly ScenarioInput[] = [
  {
    name: 'calm',
    title: 'nothing goes wrong',
    teaches:
      'What the backend does when all is well: nothing is lost, nothing comes twice, and how long a message takes. Every other figure is to be read beside this one.',
    bites: [{ is: 'everyWorkerDone', atLeast: 1 }],
  },
  {
    name: 'worker-kill',
    title: 'a busy worker is killed, five times',
    teaches:
      'Whether a message that was in the hand of a process that died comes back, how long that takes, and which messages are done twice for it.',
    faults: [{ kind: 'kill', target: 'worker:busy', at: '15%', every: '15%', times: 5 }],
    bites: [{ is: 'busyKills', atLeast: 4 }],
  },
  {
    name: 'all-dead-revive',
    title: 'all workers are killed, and come back',
    teaches:
      'What becomes of messages that nobody is there for: kept until somebody comes, refused, dropped and told, or dropped without a word.',
    faults: [{ kind: 'kill', target: 'workers', at: '35%', restartAt: '65%' }],
    bites: [{ is: 'attemptedWithNoWorker', atLeast: 1_000 }],
  },
  {
    name: 'zombie',
    title: 'a worker stands still past its lease',
    teaches:
      'Two owners at once: the one that stood still finishes its work too. Its late acknowledgement must change nothing, and somebody must be told.',
    ...pastItsLease,
    faults: [{ kind: 'stop', target: 'worker:busy', at: '30%' }],
  },
  {
    name: 'blocked',
    title: 'a worker computes past its lease',
    teaches:
      'What a handler that does not let go of the event loop costs: nothing renews its leases, others are handed what it works on, and what it says afterwards must change nothing.',
    ...pastItsLease,
    faults: [{ kind: 'block', target: 'worker:busy', at: '30%' }],
  },
  {
    name: 'broker-restart',
    title: 'the broker is stopped, and comes back',
    teaches:
      'Whether what waits survives a restart, whether publishers learn what became of their messages, and whether everybody finds back.',
    load: { handlerMs: 60 },
    live: { handlerMs: 20 },
    faults: [{ kind: 'broker-stop', at: '50%' }],
    bites: [
      { is: 'depthSeen', atLeast: 1_000, of: 'kept' },
      { is: 'brokerDowns', atLeast: 1 },
    ],
  },
  {
    name: 'broker-crash',
    title: 'the broker is killed, and comes back',
    teaches:
      'What of the acknowledged is gone when the broker dies without a goodbye. Its process dies here, not the power: what the operating system holds survives.',
    load: { handlerMs: 60 },
    live: { handlerMs: 20 },
    faults: [{ kind: 'broker-crash', at: '50%' }],
    bites: [
      { is: 'depthSeen', atLeast: 1_000, of: 'kept' },
      { is: 'okBeforeCrash', atLeast: 1 },
    ],
  },
  {
    name: 'partition-heal',
    title: 'the network stands still, and heals',
    teaches:
      'What happens when nothing answers and no connection breaks: who notices, what is sent twice, what was given up, and whether all of it is found again.',
    load: { messages: 16_000 },
    faults: [
      { kind: 'network', rule: { kind: 'hold' }, target: 'workers', at: '15%', forMs: 10_000 },
      { kind: 'network', rule: { kind: 'hold' }, target: 'producers', at: '60%', forMs: 10_000 },
    ],
    bites: [{ is: 'attemptsAboveOne', atLeast: 1, of: 'kept' }],
  },
  {
    name: 'lost-ack',
    title: 'answers to publishers are lost',
    teaches:
      'A message whose answer was lost is stored, and its publisher does not know. Published again under the same id it is there twice, unless the backend knows ids.',
    load: { messages: 4_000, perSecond: 200, triesMax: 5 },
    faults: [lostAcks],
    bites: [{ is: 'answersLost', atLeast: 20 }],
  },
  {
    name: 'lost-ack-dedupe',
    title: 'the same, where the broker knows ids',
    teaches: 'With a dedupe window each message is there once, however often it was published.',
    load: { messages: 4_000, perSecond: 200, triesMax: 5 },
    settings: { dedupeWindowMs: 600_000 },
    faults: [lostAcks],
    bites: [{ is: 'infoOutcomes', atLeast: 20 }],
  },
  {
    name: 'producer-kill',
    title: 'all producers are killed, five times',
    teaches:
      'A producer that dies between sending and hearing the answer cannot know what became of it. Its next start publishes that again, under the same id.',
    load: { messages: 20_000, perSecond: 4_000, handlerMs: 1, bytes: 4_096 },
    faults: [{ kind: 'kill', target: 'producers', at: '15%', every: '15%', times: 5 }],
    bites: [{ is: 'infoOutcomes', atLeast: 1 }],
  },
  {
    name: 'slow-worker',
    title: 'one worker is fifty times slower',
    teaches:
      'Who pays for a slow one: a queue gives it less, a fixed share leaves its messages waiting, a live pattern drops or cuts it off.',
    load: {
      ...{ handlerMs: 5, slowFactor: 50 },
      surge: { fromShare: 2 / 3, perSecond: 2_900 },
    },
    bites: [{ is: 'depthSeen', atLeast: 1, of: 'kept' }],
  },
  {
    name: 'poison',
    title: 'some messages always fail, or kill',
    teaches:
      'Whether a message that can never be done ends where somebody finds it, after exactly as many tries as were allowed, and whether its neighbours are spared.',
    load: { poisonShare: 0.01, killers: 3 },
    settings: { deliveriesMax: 3 },
    bites: [{ is: 'attemptsAboveOne', atLeast: 1, of: 'kept' }],
  },
  {
    name: 'churn',
    title: 'workers leave and come all the time',
    teaches:
      'Whether a deployment costs messages: a worker that leaves in order must give back what it has not begun, and lose nothing.',
    load: { messages: 15_000 },
    faults: [{ kind: 'churn', at: '3s', every: '3s', times: 11 }],
    bites: [{ is: 'memberChanges', atLeast: 10 }],
  },
  {
    name: 'backlog',
    title: '50,000 messages wait for the first worker',
    teaches: 'Whether a queue that has grown long is worked off without loss, and how fast.',
    load: { messages: 50_000, perSecond: 5_000, handlerMs: 0, startsLate: true },
    bites: [{ is: 'depthSeen', atLeast: 50_000, of: 'kept' }],
  },
  {
    name: 'relay-kill',
    title: 'the leading relay is killed, three times',
    teaches:
      'What a message that was inside the relay costs when it dies, and how soon the one that stood by takes over.',
    faults: [{ kind: 'kill', target: 'relay:leading', at: '20%', every: '25%', times: 3 }],
    bites: [{ is: 'sentWithoutRelay', atLeast: 100 }],
  },
  {
    name: 'chaos',
    title: 'one fault after the other, drawn by the seed',
    teaches:
      'What no single fault shows: deaths, stops, a broken network and a broker that goes down, each while others are still finding back. Another --seed is another order.',
    load: { messages: 28_000 },
    faults: [{ kind: 'any', at: '2s', times: 12 }],
    bites: [{ is: 'memberChanges', atLeast: 2 }],
  },
]

/** From the calmest on. */
export const scenarios: readonly Scenario[] = written.map((one) => scenarioSchema.parse(one))
