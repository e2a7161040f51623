import { existsSync, readFileSync } from 'node:fs'
import fs, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join, sep } from 'node:path'

/** One deed on a file system, in the order in which they were done. */
export type Deed =
  | { readonly kind: 'file' | 'folder' | 'remove' | 'sync' | 'syncFolder'; readonly path: string }
  | { readonly kind: 'write'; readonly path: string; readonly bytes: Buffer }
  | { readonly kind: 'rename' | 'link'; readonly path: string; readonly from: string }
  /** The manifest was found changed: by itself SQLite syncs what it has committed. */
  | { readonly kind: 'manifest'; readonly files: ReadonlyMap<string, Buffer> }
  /** The broker was told. */
  | { readonly kind: 'acked'; readonly ids: readonly string[] }

export interface RecordedDisk extends Disposable {
  readonly deeds: readonly Deed[]
  acked(ids: readonly string[]): void
}

const real = { ...fs }
const manifestFiles = ['_manifest.sqlite', '_manifest.sqlite-wal']

/**
 * Writes down what this thread does to files under `base` by `node:fs/promises`, where all of the
 * pipelines' own deeds go through. `root`: the folder with a manifest, which lives in another thread.
 */
export function recordedDisk(base: string, root: string): RecordedDisk {
  const deeds: Deed[] = []
  let manifest = new Map<string, Buffer>()
  const note = (deed: Deed) => {
    const now = manifestNow(root)
    const isChanged = [...now].some(([name, bytes]) => !manifest.get(name)?.equals(bytes))
    if (isChanged || now.size !== manifest.size) deeds.push({ kind: 'manifest', files: now })
    manifest = now
    if (!('path' in deed) || deed.path === base || deed.path.startsWith(base + sep)) {
      deeds.push(deed)
    }
  }
  Object.assign(fs, deedsOf(note))
  syncBuiltinESMExports()
  return {
    deeds,
    acked: (ids) => note({ kind: 'acked', ids }),
    [Symbol.dispose]() {
      Object.assign(fs, real)
      syncBuiltinESMExports()
    },
  }
}

function manifestNow(root: string): Map<string, Buffer> {
  const there = manifestFiles.filter((name) => existsSync(join(root, name)))
  return new Map(there.map((name) => [name, readFileSync(join(root, name))]))
}

function deedsOf(note: (deed: Deed) => void): Partial<typeof fs> {
  const written = (path: string, data: unknown) =>
    note({ kind: 'write', path, bytes: Buffer.from(data as Uint8Array) })
  return {
    async open(path, flags, mode) {
      const handle = await real.open(path, flags, mode)
      if (flags === 'wx') note({ kind: 'file', path: String(path) })
      return listening(handle, String(path), note)
    },
    async writeFile(path, data) {
      await real.writeFile(path, data)
      note({ kind: 'file', path: String(path) })
      written(String(path), data)
    },
    async mkdir(path, options) {
      const first = await real.mkdir(path, options)
      const folders: string[] = []
      // mkdir names the topmost folder that it made.
      for (let at = String(path); first !== undefined; at = join(at, '..')) {
        folders.unshift(at)
        if (at === first) break
      }
      for (const folder of folders) note({ kind: 'folder', path: folder })
      return first
    },
    async rename(from, to) {
      await real.rename(from, to)
      note({ kind: 'rename', from: String(from), path: String(to) })
    },
    async link(from, to) {
      await real.link(from, to)
      note({ kind: 'link', from: String(from), path: String(to) })
    },
    async rm(path, options) {
      await real.rm(path, options)
      note({ kind: 'remove', path: String(path) })
    },
  } as Partial<typeof fs>
}

function listening(handle: FileHandle, path: string, note: (deed: Deed) => void): FileHandle {
  const { writeFile, datasync, sync } = handle
  const write = handle.write as (
    bytes: Uint8Array,
    from: number,
    length: number,
  ) => Promise<{ bytesWritten: number }>
  return Object.assign(handle, {
    async write(bytes: Uint8Array, from: number, length: number) {
      const result = await write.call(handle, bytes, from, length)
      const done = bytes.subarray(from, from + result.bytesWritten)
      note({ kind: 'write', path, bytes: Buffer.from(done) })
      return result
    },
    async writeFile(data: Uint8Array) {
      await writeFile.call(handle, data)
      note({ kind: 'write', path, bytes: Buffer.from(data) })
    },
    async datasync() {
      await datasync.call(handle)
      note({ kind: 'sync', path })
    },
    async sync() {
      await sync.call(handle)
      note({ kind: 'syncFolder', path })
    },
  })
}
