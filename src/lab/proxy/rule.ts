import { z } from 'zod'

const seed = z.int().min(0).max(0xffff_ffff)
const ms = z.int().min(0).max(600_000)

/**
 * What is done to the connections of one port. `up` is towards the broker, `down` towards the actor;
 * limits hold for each direction by itself.
 */
export const proxyRuleSchema = z.discriminatedUnion('kind', [
  /** Nothing passes, and new connections wait. When it is healed the same connections go on. */
  z.strictObject({ kind: z.literal('hold') }),
  /** One direction is held; the other one flows. */
  z.strictObject({ kind: z.literal('half'), held: z.enum(['up', 'down']) }),
  /**
   * Of the chunks that go up, a share of `p` passes, but no answer comes down any more; 20 ms later
   * the actor's side is reset. Other chunks pass as ever.
   */
  z.strictObject({ kind: z.literal('lostAck'), p: z.number().min(0).max(1), seed }),
  /** Resets all connections there are, once; the rule that was in force stays so. */
  z.strictObject({ kind: z.literal('reset') }),
  /** New connections are reset; the others go on. */
  z.strictObject({ kind: z.literal('refuse') }),
  /** What comes goes on `ms` later, and up to `jitterMs` more; in its order. */
  z.strictObject({ kind: z.literal('delay'), ms, jitterMs: ms, seed }),
  /** So many bytes in each direction, for all connections of the port together. */
  z.strictObject({ kind: z.literal('rate'), bytesPerSecond: z.int().min(1) }),
  /** Chunks of so many bytes at most, each in a turn of its own. */
  z.strictObject({ kind: z.literal('slice'), bytes: z.int().min(1) }),
])
export type ProxyRule = z.infer<typeof proxyRuleSchema>

/** All but `reset`, which is over when it has happened. */
export type LastingRule = Exclude<ProxyRule, { readonly kind: 'reset' }>

export type Direction = 'up' | 'down'
