import type { BrokerUrl } from '../core/url.ts'

/**
 * The folder that a file: URL names. Null for other schemes, and where its percent signs say
 * nothing: the driver refuses that with a text of its own.
 */
export function storeFolder({ scheme, rest }: BrokerUrl): string | null {
  if (scheme !== 'file') return null
  try {
    return decodeURIComponent(rest.replace(/^\/\/(?=\/|\.)/, ''))
  } catch {
    return null
  }
}
