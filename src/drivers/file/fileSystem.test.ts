import { expect, test } from 'vitest'
import { networkFileSystem, prepareFolder } from './fileSystem.ts'

const mounts = [
  '/dev/vda / ext4 rw 0 0',
  'sshfs /home/a/share fuse.sshfs rw 0 0',
  '/dev/sdb1 /media/stick fuseblk rw 0 0',
].join('\n')
const fuse = () => 0x65735546

test.for([
  ['NFS', 0x6969],
  ['SMB', 0x517b],
  ['CIFS', 0xff534d42],
  ['SMB2', 0xfe534d42],
  ['9P', 0x01021997],
] as const)('%s is a network file system', ([name, type]) => {
  expect(networkFileSystem('/data', () => type)).toBe(name)
})

test.for([
  ['ext4', 0xef53],
  ['xfs', 0x58465342],
  ['tmpfs', 0x01021994],
  ['overlay', 0x794c7630],
  ['btrfs', 0x9123683e],
] as const)('%s is a local one', ([, type]) => {
  expect(networkFileSystem('/data', () => type)).toBeNull()
})

test('of a file system in user space the mount says what it is', () => {
  expect(networkFileSystem('/home/a/share/store', fuse, () => mounts)).toBe('fuse.sshfs')
  expect(networkFileSystem('/media/stick/store', fuse, () => mounts)).toBeNull()
  expect(networkFileSystem('/home/a/shared', fuse, () => mounts)).toBeNull()
})

test.runIf(process.platform === 'linux')(
  'a folder of the kernel is refused before it is made',
  () => {
    expect(() => prepareFolder('/proc/narrowcast/store')).toThrow(
      /file system of the kernel \(proc\)/,
    )
  },
)
