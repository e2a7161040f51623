import { placeOf } from './connectClient.ts'
import type { Servers, Told } from './servers.ts'

/** Which servers store nothing more. A cluster has some more of them, and each is said by its place. */
export async function fullWarnings(servers: Servers): Promise<string[]> {
  const told = await servers.facts()
  return told.flatMap((one) => warningOf(one, told.length > 1))
}

/** Refused is what needs more memory, as the server itself counts it; `allkeys` makes room instead. */
function warningOf({ address, facts: { field } }: Told, isOneOfSome: boolean): string[] {
  const most = field('maxmemory') ?? '0'
  const used = Number(field('used_memory')) - Number(field('mem_not_counted_for_evict'))
  const makesRoom = field('maxmemory_policy')?.startsWith('allkeys')
  if (most === '0' || used <= Number(most) || makesRoom) return []
  const who = isOneOfSome ? `${placeOf(address)} is full` : 'full'
  return [
    `redis: ${who}: used ${used} of ${most} bytes: the server stores nothing more, and publishing fails; taking and settling go on; let workers make room, or raise maxmemory`,
  ]
}
