import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Deed } from './recordedDisk.ts'

/** What a power cut leaves: folders (null) and files by their path, and what the broker knew. */
export interface Wreck {
  readonly at: number
  readonly files: ReadonlyMap<string, Buffer | null>
  readonly manifest: ReadonlyMap<string, Buffer>
  readonly acked: ReadonlySet<string>
  /** Equal for wrecks that cannot be told apart. */
  readonly digest: string
}

/** A file, or null for a folder. */
type Node = { readonly chunks: Buffer[]; syncedBytes: number } | null

/** A change of names. Only the sync of its folder makes it last; until then each may get lost. */
interface NameChange {
  readonly path: string
  /** null: the name goes. */
  readonly node: Node | undefined
  readonly from: string | null
  isSynced: boolean
}

/** How a disk treats what was not synced. */
interface Fate {
  /** Whether the unsynced change of a name with this number, counted from the last, lasts. */
  keeps(fromLast: number): boolean
  /** The part of a file's unsynced bytes that lasts. */
  readonly tail: number
}

function fatesOf(random: () => number): Fate[] {
  return [
    { keeps: () => false, tail: 0 },
    { keeps: () => true, tail: 0 },
    { keeps: () => true, tail: 0.5 },
    { keeps: () => true, tail: 1 },
    { keeps: (fromLast) => fromLast === 0, tail: 0.5 }, // the last before all others
    { keeps: () => random() < 0.5, tail: random() },
    { keeps: () => random() < 0.5, tail: random() },
    { keeps: () => random() < 0.8, tail: random() },
  ]
}

/**
 * What a power cut may leave after each of these deeds, the last one first, by this small model of a page cache: bytes
 * last when their file was synced, a change of names lasts when its folder was synced; what was not
 * synced is lost, torn or there, in any order. A rename is whole or undone, never half.
 */
export function* wrecksOf(
  base: string,
  deeds: readonly Deed[],
  random: () => number,
): Generator<Wreck> {
  const seen = new Set<string>()
  for (let at = deeds.length; at >= 0; at--) {
    for (const fate of fatesOf(random)) {
      const wreck = wreckOf(base, deeds.slice(0, at), fate)
      if (seen.has(wreck.digest)) continue
      seen.add(wreck.digest)
      yield wreck
    }
  }
}

function wreckOf(base: string, deeds: readonly Deed[], fate: Fate): Wreck {
  const { changes, manifest, acked } = done(deeds)
  const unsynced = changes.filter(({ isSynced }) => !isSynced)
  const names = new Map<string, Node>()
  for (const change of changes) {
    const { path, node, from, isSynced } = change
    if (!isSynced && !fate.keeps(unsynced.length - 1 - unsynced.indexOf(change))) continue
    if (from !== null && names.get(from) === node) names.delete(from)
    if (node === undefined) names.delete(path)
    else names.set(path, node)
  }
  const files = new Map<string, Buffer | null>([[base, null]])
  for (const [path, node] of [...names].sort(([a], [b]) => (a < b ? -1 : 1))) {
    // Nobody finds what lies in a folder whose own name is lost.
    if (files.has(dirname(path))) files.set(path, node && contentOf(node, fate.tail))
  }
  const hash = createHash('sha256')
  for (const part of [...files, ...manifest].flat()) hash.update(part ?? 'folder').update('\0')
  for (const id of acked) hash.update(id)
  return { at: deeds.length, files, manifest, acked, digest: hash.digest('hex') }
}

function contentOf({ chunks, syncedBytes }: NonNullable<Node>, tail: number): Buffer {
  const bytes = Buffer.concat(chunks)
  return bytes.subarray(0, syncedBytes + Math.floor((bytes.length - syncedBytes) * tail))
}

/** What programs see after these deeds, with what has reached the device. */
function done(deeds: readonly Deed[]) {
  const changes: NameChange[] = []
  const names = new Map<string, Node>()
  let manifest: ReadonlyMap<string, Buffer> = new Map()
  const acked = new Set<string>()
  const change = (path: string, node: Node | undefined, from: string | null = null) => {
    if (node === undefined) names.delete(path)
    else names.set(path, node)
    if (from !== null) names.delete(from)
    changes.push({ path, node, from, isSynced: false })
  }
  for (const deed of deeds) {
    if (deed.kind === 'file') change(deed.path, { chunks: [], syncedBytes: 0 })
    else if (deed.kind === 'folder') change(deed.path, null)
    else if (deed.kind === 'remove') change(deed.path, undefined)
    else if (deed.kind === 'rename') change(deed.path, names.get(deed.from), deed.from)
    else if (deed.kind === 'link') change(deed.path, names.get(deed.from))
    else if (deed.kind === 'manifest') manifest = deed.files
    else if (deed.kind === 'acked') for (const id of deed.ids) acked.add(id)
    else if (deed.kind === 'syncFolder') {
      for (const one of changes) if (dirname(one.path) === deed.path) one.isSynced = true
    } else {
      const node = names.get(deed.path)
      if (!node) throw new Error(`${deed.kind} ${deed.path}: no file there`)
      if (deed.kind === 'write') node.chunks.push(deed.bytes)
      else node.syncedBytes = node.chunks.reduce((sum, { length }) => sum + length, 0)
    }
  }
  return { changes, manifest, acked }
}

/** Puts a wreck on disk: what lay under `base` then lies under `target`; `root` has the manifest. */
export function lay(wreck: Wreck, base: string, target: string, root: string): void {
  const moved = (path: string) => join(target, path.slice(base.length))
  for (const [path, bytes] of wreck.files) {
    if (bytes === null) mkdirSync(moved(path), { recursive: true })
    else writeFileSync(moved(path), bytes)
  }
  if (!wreck.files.has(root)) return
  for (const [name, bytes] of wreck.manifest) writeFileSync(join(moved(root), name), bytes)
}
