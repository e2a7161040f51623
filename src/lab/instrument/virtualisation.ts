import { type ReadText, systemText } from './systemText.ts'

const container = ['/.dockerenv', '/run/.containerenv']

/** What the hypervisor calls itself; `none` on bare metal; null where nobody can tell. */
export function virtualisation(read: ReadText = systemText): string | null {
  const flags = /^flags\s*:(.*)$/m.exec(read('/proc/cpuinfo') ?? '')?.[1]
  if (flags === undefined) return null
  if (!/\bhypervisor\b/.test(flags)) return 'none'
  const names = ['sys_vendor', 'product_name'].map((name) => read(`/sys/class/dmi/id/${name}`))
  const named = names.map((name) => name?.trim()).filter((name) => name)
  return named.length > 0 ? named.join(' ') : 'a hypervisor without a name'
}

/** Null where nobody can tell. */
export function isInContainer(
  read: ReadText = systemText,
  environment: NodeJS.ProcessEnv = process.env,
): boolean | null {
  if (read('/proc/self/cgroup') === null) return null
  const isSaid = environment.container || environment.KUBERNETES_SERVICE_HOST
  return Boolean(isSaid) || container.some((path) => read(path) !== null)
}
