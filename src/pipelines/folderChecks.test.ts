import { describe, expect, test } from 'vitest'
import { inside } from './disk.ts'
import { checkFree, checkLocal, volumeOf } from './folderChecks.ts'

const freeBytes = 1_000_000_000

describe('a folder', () => {
  test.for([
    [0x6969, 'NFS'],
    [-11_317_950, 'CIFS'], // statfs may give it signed
    [0x01021997, '9P'],
  ] as const)('of kind %i is refused as %s', ([kind, name]) => {
    expect(() => checkLocal('/share/lake', { kind, freeBytes, mount: null })).toThrow(
      `/share/lake lies on ${name}, a network file system`,
    )
  })

  test.for([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630])(
    'on a local disk of kind %i is fine',
    (kind) => {
      expect(checkLocal('/lake', { kind, freeBytes, mount: null })).toBe(undefined)
    },
  )

  test('behind FUSE is judged by its mount', () => {
    const fuse = { kind: 0x65735546, freeBytes }
    expect(() => checkLocal('/far/lake', { ...fuse, mount: 'fuse.sshfs' })).toThrow(
      '/far/lake lies on fuse.sshfs, a network file system',
    )
    expect(checkLocal('/lake', { ...fuse, mount: 'fuse.fuse-overlayfs' })).toBe(undefined)
  })

  test.runIf(process.platform === 'linux')('says what it lies on', async () => {
    expect(await volumeOf('/proc')).toMatchObject({ mount: 'proc' })
  })

  test('that is not there is named', async () => {
    const path = '/no/such/folder'
    await expect(volumeOf(path)).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining(`cannot look at ${path}`),
    })
  })

  test('needs room for two batches', () => {
    const volume = { kind: 0xef53, freeBytes: 2_000, mount: null }
    expect(checkFree('/lake', volume, 999)).toBe(undefined)
    expect(() => checkFree('/lake', volume, 1_000)).toThrow(
      '/lake has 2000 bytes free; two batches of bytesMax = 1000 need more',
    )
  })
})

describe('a path from names', () => {
  test('stays inside the root', () => {
    expect(inside('/lake', 'T/a.parquet')).toBe('/lake/T/a.parquet')
    for (const path of ['..', '../x', 'T/../../x', '.', '']) {
      expect(() => inside('/lake', path), path).toThrow('leaves the folder')
    }
  })
})
