/** Mounts through FUSE that reach another host; `statfs` shows one number for all of FUSE. */
const networkMounts: ReadonlySet<string> = new Set([
  'fuse.sshfs',
  'fuse.glusterfs',
  'fuse.ceph',
  'fuse.ceph-fuse',
  'fuse.s3fs',
  'fuse.gcsfuse',
  'fuse.goofys',
  'fuse.rclone',
  'fuse.juicefs',
  'fuse.seaweedfs',
  'fuse.mfs',
  'fuse.lizardfs',
  'fuse.hdfs',
  'fuse.davfs',
  'fuse.curlftpfs',
  'fuse.smbnetfs',
])

export function isNetworkMount(type: string): boolean {
  return networkMounts.has(type)
}

/**
 * The type of the mount that holds a real path, such as `ext4` or `fuse.sshfs`, by the text of
 * /proc/self/mountinfo; null where no line of it fits.
 */
export function mountTypeOf(mountInfo: string, path: string): string | null {
  let found: { at: string; type: string } | null = null
  for (const line of mountInfo.split('\n')) {
    const [before, after] = line.split(' - ')
    const [at, type] = [unescaped(before?.split(' ')[4] ?? ''), after?.split(' ')[0] ?? '']
    if (type === '' || !holds(at, path)) continue
    // Of two at the same place the later one covers the other.
    if (found === null || at.length >= found.at.length) found = { at, type }
  }
  return found?.type ?? null
}

function holds(mount: string, path: string): boolean {
  return mount === '/' || path === mount || path.startsWith(`${mount}/`)
}

/** Blanks and such are written in octal. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
}
