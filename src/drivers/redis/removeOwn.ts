import type { EngineName } from './engine.ts'
import { Script } from './script.ts'
import type { Home } from './servers.ts'

const script = new Script(`#!lua flags=allow-oom
if redis.call('TYPE', KEYS[1]).ok == ARGV[1] then redis.call('UNLINK', KEYS[1]) end
return 0
`)

/** Removes a channel's own key, but nothing that another program keeps in its place. */
export async function removeOwn(home: Home, channel: string, engine: EngineName): Promise<void> {
  await home.run(script, [channel], [engine], 'remove')
}
