import { expect, test } from 'vitest'
import { isNetworkMount, mountTypeOf } from './mountType.ts'

const mountInfo = `22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
36 22 0:45 / /mnt/far rw,nosuid shared:5 master:2 - fuse.sshfs me@host:/data rw,user_id=0
37 36 0:46 / /mnt/far/near rw - tmpfs tmpfs rw
38 22 0:47 / /mnt/two\\040words rw - fuse.glusterfs vol rw
39 22 0:48 / /mnt/over rw - fuse.sshfs me@host:/data rw
40 39 0:49 / /mnt/over rw - xfs /dev/vdb1 rw
`

test.for([
  ['/srv/lake', 'ext4'],
  ['/mnt/far', 'fuse.sshfs'],
  ['/mnt/far/lake', 'fuse.sshfs'],
  ['/mnt/farther/lake', 'ext4'],
  ['/mnt/far/near/lake', 'tmpfs'],
  ['/mnt/two words/lake', 'fuse.glusterfs'],
  ['/mnt/over/lake', 'xfs'],
] as const)('%s lies on %s', ([path, type]) => {
  expect(mountTypeOf(mountInfo, path)).toBe(type)
})

test('a text that says nothing gives nothing', () => {
  expect(mountTypeOf('', '/srv/lake')).toBe(null)
  expect(mountTypeOf('torn', '/srv/lake')).toBe(null)
})

test('only mounts that reach another host are of the network', () => {
  expect(['fuse.sshfs', 'fuse.glusterfs'].every(isNetworkMount)).toBe(true)
  expect(['ext4', 'fuseblk', 'fuse.fuse-overlayfs', 'virtiofs'].some(isNetworkMount)).toBe(false)
})
