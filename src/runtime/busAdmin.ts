import { isOwnChannel } from '../core/channel.ts'
import type { Contract } from '../core/contract.ts'
import type { Admin, ChannelInfo } from '../core/driver.ts'
import { NarrowcastError } from '../core/errors.ts'
import type { BusAdmin } from './api.ts'
import type { Connection } from './connection.ts'
import { abortedError } from './thrown.ts'

/** The calls that take (…, signal), and the contract fact that each one is tied to. */
const facts = {
  depths: 'depth',
  groups: 'depth',
  peek: 'peek',
  message: 'peek',
  deadLetters: 'deadLetters',
  redrive: 'deadLetters',
  removeDead: 'deadLetters',
  pause: 'pause',
  seek: 'seek',
  channels: 'manage',
  purge: 'manage',
  remove: 'manage',
  removeGroup: 'manage',
  removeMessage: 'peek',
} as const satisfies Record<Exclude<keyof Admin, 'ensure' | 'find'>, keyof Contract>

const pageSize = 100

/** The broker's admin calls on whatever session is open now. */
export function busAdmin(connection: Connection): BusAdmin {
  const adminOf = async (name: string, given: AbortSignal | undefined): Promise<Admin> => {
    const signal = given ?? connection.closing
    const session = await connection.ready(signal).catch((error: unknown) => {
      if (!given?.aborted) throw error
      throw abortedError(name, given, { operation: name, definite: true }) // nothing was asked
    })
    return session.admin
  }
  const call =
    (name: keyof typeof facts, arity: number) =>
    async (...args: unknown[]): Promise<unknown> => {
      const given = args[arity] as AbortSignal | undefined
      const signal = given ?? connection.closing
      const admin = await adminOf(name, given)
      const method = admin[name] as ((...all: unknown[]) => Promise<unknown>) | undefined
      if (method) return method.call(admin, ...args.slice(0, arity), signal)
      const { name: driver, advice } = connection.driver
      const hint = advice?.[facts[name]]
      throw new NarrowcastError(
        'UNSUPPORTED',
        `${driver} does not offer "${name}": ${facts[name]} in its contract does not go so far`,
        { driver, operation: name, ...(hint === undefined ? {} : { hint }) },
      )
    }
  const calls = {
    depths: call('depths', 1),
    groups: call('groups', 1),
    peek: call('peek', 2),
    message: call('message', 2),
    deadLetters: call('deadLetters', 3),
    redrive: call('redrive', 3),
    removeDead: call('removeDead', 2),
    pause: call('pause', 2),
    seek: call('seek', 3),
    channels: call('channels', 1),
    purge: call('purge', 1),
    remove: call('remove', 1),
    removeGroup: call('removeGroup', 2),
    removeMessage: call('removeMessage', 2),
  } as Omit<BusAdmin, 'find'>
  const channels: typeof calls.channels = async (query, signal) => {
    const page = await calls.channels(query, signal)
    if (query.prefix.startsWith('narrowcast')) return page // who asks for our own is shown them
    return { ...page, items: page.items.filter(({ name }) => !isOwnChannel(name)) }
  }
  return {
    ...calls,
    channels,
    async find(name, signal): Promise<ChannelInfo | null> {
      const admin = await adminOf('find', signal)
      if (admin.find) return await admin.find(name, signal ?? connection.closing)
      for (let cursor: string | null = null; ; ) {
        const query = { prefix: name, cursor, limit: pageSize, newestFirst: false }
        const page: Awaited<ReturnType<typeof calls.channels>> = await calls.channels(query, signal)
        const found = page.items.find((one) => one.name === name)
        if (found || page.cursor === null) return found ?? null
        cursor = page.cursor
      }
    },
  }
}
