import { short } from '../_shared/shortened.ts'
import { bytesOf, headerBytes } from './headerBytes.ts'
import { headerNames } from './headerNames.ts'

/** The client writes 64 KiB; other programs write more, and a copy says why it failed. */
const writtenBytesMax = 65_000
/** Says which are missing: whoever reads the copy is to know. */
const leftOut = 'narrowcast-left-out'
/** Their names, shortened. */
const leftOutBytesMax = 4_100

/** What a copy says of its past is short already. */
const { failures, crashes, redrives, firstFailed, lastError, letter } = headerNames
const ofPast = new Set<string>([failures, crashes, redrives, firstFailed, lastError, letter])

/** As many as the client can write, without the longest of those that the producer has said. */
export function fitting(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (headerBytes(headers) <= writtenBytesMax) return headers
  const { [leftOut]: before, ...kept }: Record<string, unknown> = headers
  let bytes = headerBytes(kept) + bytesOf(leftOut, '') + leftOutBytesMax
  const names = typeof before === 'string' ? [before] : []
  const others = Object.entries(kept)
    .filter(([name]) => !ofPast.has(name))
    .map(([name, value]) => ({ name, bytes: bytesOf(name, value) }))
    .sort((a, b) => b.bytes - a.bytes)
  for (const one of others) {
    if (bytes <= writtenBytesMax) break
    delete kept[one.name]
    names.push(one.name)
    bytes -= one.bytes
  }
  return { ...kept, [leftOut]: short(names.join(', ')) }
}
