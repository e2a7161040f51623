import { pageOf, valuesMax } from './pageScript.ts'
import { type Queue, tagOf } from './queue.ts'
import { asWritten, readValue, type Value } from './value.ts'

/** One value, and where it lies. */
export interface Placed {
  readonly section: Section
  readonly raw: Buffer
  readonly value: Value
  /** What names it, where nothing stands beside it. */
  readonly tag: string
  /** In hand: its serial. */
  readonly serial: string
  /** Not to be taken before. */
  readonly dueMs: number
}

/** One of the places where messages of a queue lie, in the order in which they are shown. */
export interface Section {
  readonly where: 'held' | 'gone' | 'suspects' | 'back' | 'behind' | 'orders' | 'delayed'
  /** Held: of whom. */
  readonly reader: string
  /** Sections are shown in the order of their ranks. */
  readonly rank: string
  size(): Promise<number>
  /**
   * From the one that comes next to the one that comes last, or the other way round: so many at
   * most, and as many as a reply takes. Nothing where there are no more.
   */
  read(from: number, count: number, newestFirst: boolean): Promise<Placed[]>
}

/** In hand first, then what is ready, what waits behind others, what producers wrote, what is not due. */
export async function sectionsOf(queue: Queue): Promise<Section[]> {
  const { layout, home } = queue
  const readers = await home.send<string[]>(['ZRANGE', layout.readers, '0', '-1'], 'peek')
  return [
    ...readers.sort().map((reader) => heldBy(queue, reader)),
    hash(queue, { where: 'gone', reader: '', rank: '1' }, layout.gone, 'gone'),
    sorted(queue, 'suspects', '2'),
    list(queue, 'back', '3'),
    sorted(queue, 'behind', '4'),
    list(queue, 'orders', '5'),
    sorted(queue, 'delayed', '6'),
  ]
}

type Head = Pick<Section, 'where' | 'reader' | 'rank'>

function heldBy(queue: Queue, reader: string): Section {
  const head = { where: 'held', reader, rank: `0${reader}` } as const
  return hash(queue, head, queue.layout.held(reader), tagOf(reader))
}

function hash({ home }: Queue, head: Head, key: string, tag: string): Section {
  const section: Section = {
    ...head,
    size: async () => await home.send<number>(['HLEN', key], 'peek'),
    async read(from, count, newestFirst) {
      const all = await home.send<string[]>(['HKEYS', key], 'peek')
      const sign = newestFirst ? -1 : 1
      const serials = all.sort((a, b) => sign * (Number(a) - Number(b)))
      const some = serials.slice(from, from + Math.min(count, valuesMax))
      if (some.length === 0) return []
      const asked = { way: 'fields', from: 0, count: some.length } as const
      const values = await pageOf(home, key, asked, some)
      return values.flatMap((raw, at) => {
        const serial = some[at] ?? ''
        if (raw === null) return []
        const value = readValue(raw)
        return { section, raw, value, tag: `${tag}-${serial}`, serial, dueMs: 0 }
      })
    },
  }
  return section
}

/** Taken from the right. */
function list({ home, layout }: Queue, where: 'back' | 'orders', rank: string): Section {
  const section: Section = {
    where,
    rank,
    reader: '',
    size: async () => await home.send<number>(['LLEN', layout[where]], 'peek'),
    async read(from, count, newestFirst) {
      const asked = { way: newestFirst ? 'left' : 'right', from, count } as const
      return (await pageOf<Buffer>(home, layout[where], asked)).map((raw) => {
        const value = where === 'orders' ? asWritten(raw) : readValue(raw)
        return { section, raw, value, tag: '', serial: '', dueMs: 0 }
      })
    },
  }
  return section
}

function sorted(
  { home, layout }: Queue,
  where: 'suspects' | 'behind' | 'delayed',
  rank: string,
): Section {
  const section: Section = {
    where,
    rank,
    reader: '',
    size: async () => await home.send<number>(['ZCARD', layout[where]], 'peek'),
    async read(from, count, newestFirst) {
      const asked = { way: newestFirst ? 'down' : 'up', from, count } as const
      const pairs = await pageOf<Buffer>(home, layout[where], asked)
      return pairs.flatMap((member, at) => {
        if (at % 2 === 1) return []
        const raw = where === 'behind' ? member.subarray(laneSize(member)) : member
        const dueMs = where === 'delayed' ? Number(pairs[at + 1]) : 0
        return { section, raw, value: readValue(raw), tag: '', serial: '', dueMs }
      })
    },
  }
  return section
}

/** What stands before a value that waits in the lane of its key: its size, the key, a turn. */
export function laneSize(member: Buffer): number {
  const at = member.indexOf(':')
  return at + 1 + Number(member.toString('latin1', 0, at)) + 1 + 16
}
