import type { Queue } from '../../src/drivers/redis/list/queue.ts'
import { laneSize, sectionsOf } from '../../src/drivers/redis/list/sections.ts'

/** A value that has its place in a key. */
interface InKey {
  readonly key: string
  /** era:turn:h or a */
  readonly place: string
}

/**
 * What of a queue does not agree with the rest of it; nothing in a healthy one. Ask while nobody
 * works on it: it looks at one place after the other.
 */
export async function faultsOf(queue: Queue): Promise<string[]> {
  const { home, layout } = queue
  const faults: string[] = []
  const flags = await home.send<Record<string, string>>(['HGETALL', layout.flags], 'check')
  const n = (name: string) => Number(flags[name] ?? 0)
  const era = flags.era ?? '0'
  const heads: InKey[] = []
  const behind: InKey[] = []
  const tags = new Set<string>()
  let inHand = 0
  for (const section of await sectionsOf(queue)) {
    for (const { raw, value } of await section.read(0, 1_000, false)) {
      if (section.where === 'held' || section.where === 'gone') inHand++
      const { crashes, tag } = value
      if (tag === null) continue
      if (tags.has(tag)) faults.push(`${section.where}: two have the tag ${tag}`)
      tags.add(tag)
      const isSuspect = section.where === 'suspects'
      const isReady = isSuspect || section.where === 'back'
      if (isReady && isSuspect !== crashes > 0) {
        faults.push(`${section.where}: ${tag} has ${crashes} crashes`)
      }
      const own = inKeyOf(raw)
      if (own === null || !own.place.startsWith(`${era}:`)) continue
      if (section.where === 'behind') behind.push(own)
      else if (own.place.endsWith('h')) heads.push(own)
    }
  }
  const counted = n('popped') - n('laned') + n('again') - n('out') - n('returned')
  if (counted !== inHand) faults.push(`${counted} are counted as in flight, ${inHand} are`)
  faults.push(...(await keyFaults(queue, heads, behind)), ...(await ownerless(queue)))
  const isDraining = (await home.send<number>(['EXISTS', layout.gone], 'check')) === 1
  if (isDraining !== (flags.draining !== undefined)) faults.push(`draining: ${flags.draining}`)
  return faults
}

/** Of each key that is in use one message stands at the head, and what is behind has a turn. */
async function keyFaults(queue: Queue, heads: InKey[], behind: InKey[]): Promise<string[]> {
  const { home, layout } = queue
  const faults: string[] = []
  const keys = await home.send<Buffer[] | Map<Buffer, Buffer>>(
    ['HKEYS', layout.keys],
    'check',
    'bytes',
  )
  const known = [...(keys as Buffer[])].map((key) => key.toString('latin1')).sort()
  const found = heads.map(({ key }) => key).sort()
  if (JSON.stringify(known) !== JSON.stringify(found)) {
    faults.push(`heads are ${JSON.stringify(found)}, known are ${JSON.stringify(known)}`)
  }
  for (const { key } of behind) if (!known.includes(key)) faults.push(`behind nobody: ${key}`)
  const members = await home.send<Buffer[]>(['ZRANGE', layout.behind, '0', '-1'], 'check', 'bytes')
  const turns = await home.send<Buffer[]>(['ZRANGE', layout.turns, '0', '-1'], 'check', 'bytes')
  const lanes = members.map((one) => one.subarray(0, laneSize(one)).toString('latin1')).sort()
  const noted = turns.map((one) => one.toString('latin1')).sort()
  if (JSON.stringify(lanes) !== JSON.stringify(noted)) faults.push('turns are not those behind')
  return faults
}

/** What a reader holds whose lease nobody looks at would never come back. */
async function ownerless({ home, layout }: Queue): Promise<string[]> {
  const readers = new Set(await home.send<string[]>(['ZRANGE', layout.readers, '0', '-1'], 'check'))
  const prefix = layout.held('')
  const keys: string[] = []
  for (let cursor = '0'; ; ) {
    const command = ['SCAN', cursor, 'MATCH', `${prefix}*`, 'COUNT', '1000']
    const [next, some] = await home.send<[string, string[]]>(command, 'check')
    keys.push(...some)
    if (next === '0') break
    cursor = next
  }
  const names = keys.map((key) => key.slice(prefix.length))
  return names.filter((name) => !readers.has(name)).map((name) => `${name} holds without a lease`)
}

function inKeyOf(raw: Buffer): InKey | null {
  const end = raw.indexOf(0x0a)
  const words = raw.toString('latin1', 1, end).split(' ')
  const size = Number(words[6])
  if (size < 0) return null
  return { key: raw.toString('latin1', end + 1, end + 1 + size), place: words[5] ?? '-' }
}
