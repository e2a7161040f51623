/** One reader of a channel, as it tells the group of itself. */
export interface Claimant {
  readonly memberId: string
  readonly channel: string
  /** What it reads now. */
  readonly owned: readonly number[]
  /** In which its owned ones were assigned: of two who name one, the later is right. */
  readonly generation: number
}

/** Partitions by member. */
export type Shares = ReadonlyMap<string, readonly number[]>

/**
 * Shares out the partitions of one channel among its readers, as evenly as they can be, and leaves with
 * each what it has as far as that is fair. What is to change hands is given to nobody until its owner has
 * put it down: a partition has never two readers, and what stays where it is goes on undisturbed.
 */
export function share(claimants: readonly Claimant[], partitions: number): Shares {
  const owners = ownersOf(claimants, partitions)
  const held = new Map(claimants.map(({ memberId }) => [memberId, [] as number[]]))
  for (const [partition, memberId] of owners) held.get(memberId)?.push(partition)
  // Whoever has most may keep the odd one.
  const order = [...held].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1))
  const least = Math.floor(partitions / order.length)
  const odd = partitions % order.length
  const shares = new Map<string, number[]>()
  const quotas = new Map<string, number>()
  for (const [at, [memberId, own]] of order.entries()) {
    const quota = least + (at < odd ? 1 : 0)
    quotas.set(memberId, quota)
    shares.set(memberId, own.sort((a, b) => a - b).slice(0, quota))
  }
  let turn = 0
  for (let partition = 0; partition < partitions; partition++) {
    if (owners.has(partition)) continue
    for (let tries = 0; tries < order.length; tries++) {
      const [memberId] = order[turn++ % order.length] as [string, number[]]
      const own = shares.get(memberId) as number[]
      if (own.length >= (quotas.get(memberId) as number)) continue
      own.push(partition)
      break
    }
  }
  return shares
}

function ownersOf(claimants: readonly Claimant[], partitions: number): Map<number, string> {
  const owners = new Map<number, { memberId: string; generation: number }>()
  for (const { memberId, owned, generation } of claimants) {
    for (const partition of owned) {
      const other = owners.get(partition)
      if (partition >= partitions || (other && other.generation >= generation)) continue
      owners.set(partition, { memberId, generation })
    }
  }
  return new Map([...owners].map(([partition, { memberId }]) => [partition, memberId]))
}
