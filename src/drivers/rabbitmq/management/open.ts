import { asNarrowcastError } from '../../../core/errors.ts'
import type { RabbitmqTarget } from '../options.ts'
import { ManagementApi } from './api.ts'
import { Management } from './management.ts'

export interface OpenedManagement {
  readonly management: Management
  /** Why it is of no use now. Null: it answers. */
  readonly fault: string | null
}

/** Whoever publishes or reads does not wait for longer for what it does without. */
const waitMsMax = 2_000

/** Null: the URL names none. One that does not answer costs nothing but what it would tell. */
export async function openManagement(
  { management: target, username, password, vhost }: RabbitmqTarget,
  cluster: string,
  signal: AbortSignal,
): Promise<OpenedManagement | null> {
  if (target === null) return null
  const login = target.login ?? { username, password }
  const management = new Management(new ManagementApi(target.place, login, vhost))
  const limit = AbortSignal.timeout(waitMsMax)
  try {
    const fault = await management.fault(cluster, AbortSignal.any([signal, limit]))
    return { management, fault }
  } catch (error) {
    signal.throwIfAborted()
    if (limit.aborted) return { management, fault: `${target.place}: no answer in ${waitMsMax} ms` }
    const { message, hint } = asNarrowcastError(error)
    return { management, fault: hint === null ? message : `${message}. ${hint}` }
  }
}
