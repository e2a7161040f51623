import type { ChannelSpec } from '../../core/channel.ts'
import type { Contract, ContractRow, Contracts } from '../../core/contract.ts'
import type { BrokerInfo, Driver, Session } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'

export interface AskedServer {
  readonly contracts: Contracts
  readonly info: BrokerInfo
}

/**
 * What a server says of channels that would be made there now. None is.
 * @throws CONNECT_FAILED, LOGIN_REFUSED, TIMEOUT …
 */
export async function ofServer(
  driver: Driver,
  leaseMs: number,
  timeoutMs: number,
): Promise<AskedServer> {
  const signal = AbortSignal.timeout(timeoutMs)
  const lost = Promise.withResolvers<never>()
  lost.promise.catch(() => undefined) // nobody waits for it once all is asked
  try {
    await using session = await driver.open({ closed: lost.reject }, signal)
    const rows = Object.keys(driver.contracts) as ContractRow[]
    const asked = Promise.all(rows.map((row) => rowOf(session, row, leaseMs, signal)))
    const found = await Promise.race([asked, lost.promise])
    return { contracts: Object.fromEntries(found) as Contracts, info: session.info }
  } catch (cause) {
    if (!signal.aborted) throw cause
    const hint = cause instanceof NarrowcastError && cause.hint !== null ? { hint: cause.hint } : {}
    const text = `${driver.name}: contract: no answer in ${timeoutMs} ms`
    throw new NarrowcastError('TIMEOUT', text, { definite: true, cause, ...hint })
  }
}

async function rowOf(
  session: Session,
  row: ContractRow,
  leaseMs: number,
  signal: AbortSignal,
): Promise<[ContractRow, Contract]> {
  const [pattern, via] = row === 'narrowcast-relay' ? (['narrowcast', 'relay'] as const) : [row]
  const spec: ChannelSpec = {
    ...{ name: 'contract', pattern, via: via ?? 'direct', envelope: true, leaseMs },
    ...{ payloadBytesMax: 1_048_576, dedupeWindowMs: null },
    retention: { ageMs: null, messages: null, bytes: null },
  }
  return [row, await session.contract(spec, signal)]
}
