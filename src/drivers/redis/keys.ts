/** Once per server: hash of channel name → its declaration. */
export const catalogKey = 'narrowcast:channels'

/**
 * A key beside the channel. Its braces make it lie on the node that has the channel's own key: a
 * key without braces is hashed whole, one with braces by what is inside.
 */
export function helperKey(channel: string, name: string): string {
  return `{${channel}}:${name}`
}
