import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { NarrowcastError } from '../../core/errors.ts'
import { type DepthSample, type Evidence, type LabEvent, roles } from '../evidence/evidence.ts'
import { readLedgers } from '../evidence/readLedgers.ts'
import { ledgersName } from './ledgerPlace.ts'

export const eventsFile = 'events.ndjson'
export const depthFile = 'depth.ndjson'

/** A line of `events.ndjson` or `depth.ndjson`. Times of the boot do not fit a JSON number. */
export function evidenceLine(one: LabEvent | DepthSample): string {
  return JSON.stringify(one, (_, value) => (typeof value === 'bigint' ? String(value) : value))
}

const ns = z
  .string()
  .regex(/^\d+$/)
  .transform((text) => BigInt(text))
const span = { fromNs: ns, toNs: ns }
const actorEvents = [
  'SPAWN',
  'READY',
  'SUBSCRIBED',
  'KILL',
  'STOP',
  'CONT',
  'BLOCK',
  'UNBLOCK',
  'LEAVE',
  'EXIT',
  'NET_ON',
  'NET_OFF',
] as const
const eventSchema: z.ZodType<LabEvent> = z.union([
  z.strictObject({
    event: z.enum(actorEvents),
    role: z.enum(roles),
    actor: z.int(),
    incarnation: z.int(),
    answersLost: z.int().min(0).optional(),
    ...span,
  }),
  z.strictObject({ event: z.literal('BROKER_DOWN'), how: z.enum(['stop', 'crash']), ...span }),
  z.strictObject({ event: z.literal('BROKER_UP'), ...span }),
])
const count = z.union([z.int().min(0), z.literal('unknown')])
const depthSchema: z.ZodType<DepthSample> = z.strictObject({
  timeNs: ns,
  group: z.string().nullable(),
  waiting: count,
  inFlight: count,
  scheduled: count,
  dead: count,
  stored: count,
})

/** All evidence that a run left in its folder. @throws INTERNAL naming the file that is damaged. */
export async function readEvidence(folder: string): Promise<Evidence> {
  const [ledgers, events, depth] = await Promise.all([
    readLedgers(join(folder, ledgersName)),
    readLines(join(folder, eventsFile), eventSchema),
    readLines(join(folder, depthFile), depthSchema),
  ])
  return { ledgers, events, depth }
}

async function readLines<T>(path: string, schema: z.ZodType<T>): Promise<T[]> {
  const lines = (await textOf(path)).split('\n').slice(0, -1)
  return lines.map((line, at) => {
    try {
      return schema.parse(JSON.parse(line))
    } catch (cause) {
      throw new NarrowcastError('INTERNAL', `lab: line ${at + 1} of ${path} cannot be read`, {
        operation: 'read the evidence of a run',
        cause,
      })
    }
  })
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new NarrowcastError('INTERNAL', `lab: ${path} cannot be read`, {
      ...{ operation: 'read the evidence of a run', cause },
    })
  }
}
