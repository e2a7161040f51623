import { isTrue } from '../flags.ts'
import type { Invocation } from '../invocation.ts'

/** On a build server what cannot be run is not to go unseen. */
export function isStrict({ flags, env }: Invocation): boolean {
  return flags.isSet('strict') || isTrue(env.CI)
}
