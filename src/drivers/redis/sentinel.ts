import { NarrowcastError } from '../../core/errors.ts'
import type { Address } from '../_shared/serverPlace.ts'
import { type Client, connectClient, placeOf } from './connectClient.ts'
import type { Connection } from './connection.ts'
import { follow } from './follow.ts'
import { asReplyError, redisError, repliedWith } from './redisErrors.ts'
import { checkPrimary } from './serverFacts.ts'
import type { Opening } from './servers.ts'

/** Who watches over the primary, and tells when there is another. */
export interface Guarded {
  readonly primary: Connection
  close(): void
}

/**
 * Asks the Sentinels, one after the other, who is the primary, connects to it, and looks whether it
 * says so too. From then on the Sentinel that answered is listened to: the session is lost when it
 * tells of another primary, however alive the old one may look from here.
 */
export async function openGuarded(opening: Opening, name: string): Promise<Guarded> {
  const { signal } = opening
  const client = await openSentinel(opening)
  try {
    const state: { named: string | null; primary: string | null } = { named: null, primary: null }
    await client.subscribe('+switch-master', (message) => {
      const [of, , , host = '', port = ''] = message.split(' ')
      if (of !== name) return
      state.named = placeOf({ host, port: Number(port) })
      if (state.primary === null || state.primary === state.named) return
      const text = `the Sentinels have made ${state.named} the primary instead of ${state.primary}`
      opening.lost(redisError('CONNECTION_LOST', 'connection', text))
    })
    const reach = async (now: Address) => {
      state.named = placeOf(now)
      const connection = await opening.connect(now)
      try {
        checkPrimary(now, connection.facts)
        checkNamed(now, state.named)
        state.primary = placeOf(now)
        return connection
      } catch (error) {
        connection.close()
        throw error
      }
    }
    const primary = await follow(() => primaryOf(client, name), reach, signal)
    return { primary, close: () => client.destroy() }
  } catch (error) {
    client.destroy()
    throw error
  }
}

/** A switch that is told while we connect is followed, not lost. @throws UNAVAILABLE */
function checkNamed(address: Address, named: string): void {
  if (placeOf(address) === named) return
  const text = `${placeOf(address)} was the primary; the Sentinels have just made ${named} it`
  throw redisError('UNAVAILABLE', 'connect', text)
}

async function openSentinel(opening: Opening): Promise<Client> {
  const failures: NarrowcastError[] = []
  for (const address of opening.options.addresses) {
    try {
      return await connectSentinel(address, opening)
    } catch (error) {
      if (!(error instanceof NarrowcastError) || error.code !== 'CONNECT_FAILED') throw error
      failures.push(error)
    }
  }
  const [first] = failures as [NarrowcastError]
  if (failures.length === 1) throw first
  const tried = opening.options.addresses.map(placeOf).join(', ')
  throw redisError('CONNECT_FAILED', 'connect', `no Sentinel answers: ${tried}`, {
    cause: first,
    ...(first.hint === null ? {} : { hint: first.hint }),
  })
}

/** Most Sentinels have no password; one that wants one is given that of the URL. */
async function connectSentinel(address: Address, { options, signal }: Opening): Promise<Client> {
  const plain = { ...options, username: undefined, password: undefined, database: 0 }
  try {
    return (await connectClient(address, plain, signal)).client
  } catch (error) {
    if (repliedWith(error) !== 'NOAUTH') throw error
    return (await connectClient(address, { ...options, database: 0 }, signal)).client
  }
}

async function primaryOf(client: Client, name: string): Promise<Address> {
  try {
    const asked = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name]
    const found = await client.sendCommand<[string, string] | null>(asked)
    if (found) return { host: found[0], port: Number(found[1]) }
    const masters = await client.sendCommand<{ name: string }[]>(['SENTINEL', 'MASTERS'])
    const known = masters.map((one) => one.name).join(', ')
    throw redisError('INVALID_CONFIG', 'connect', `the Sentinels watch over no "${name}"`, {
      hint: known === '' ? 'They watch over nothing.' : `They know ${known}: ?sentinel=NAME.`,
    })
  } catch (error) {
    if (!/unknown command/.test((error as Error).message)) throw asReplyError(error, 'connect')
    throw redisError('INVALID_CONFIG', 'connect', 'what answers is no Sentinel', {
      cause: error,
      hint: 'With ?sentinel=NAME the hosts are those of Sentinels, mostly on port 26379.',
    })
  }
}
