import { z } from 'zod'
import type { Role, Sidecar } from './evidence.ts'
import { roles } from './evidence.ts'

const letters: Readonly<Record<Role, string>> = {
  producer: 'p',
  worker: 'w',
  relay: 'r',
  deadReader: 'd',
  drainReader: 'e',
}

/** The name of a ledger without its ending: `w03.2` is the third start of worker 3. */
export function ledgerName({
  role,
  actor,
  incarnation,
}: Pick<Sidecar, 'role' | 'actor' | 'incarnation'>): string {
  return `${letters[role]}${String(actor).padStart(2, '0')}.${incarnation}`
}

const number16 = z.int().min(0).max(0xffff)

export const sidecarSchema: z.ZodType<Sidecar> = z.strictObject({
  role: z.enum(roles),
  actor: number16,
  incarnation: number16,
  pid: z.int().positive(),
  group: z.string().nullable(),
  codes: z.array(z.string()).max(256),
})
