/** Where a server listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** What stands between the scheme of a URL and its query: `//user:password@host:port,host/path`. */
export interface ServerPlace {
  readonly addresses: readonly Address[]
  readonly username: string | undefined
  readonly password: string | undefined
  /** As it was written; undefined where there is none. */
  readonly path: string | undefined
}

/** Makes the error of a driver of what is wrong with its URL, and how it is written. */
export type Invalid = (text: string, hint?: string) => Error

const form = /^(?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^@/]*)(?:\/([^/]*))?)?$/

/** A host that is left out is localhost. @throws what `invalid` makes */
export function serverPlaceOf(
  rest: string,
  { portDefault, example, invalid }: { portDefault: number; example: string; invalid: Invalid },
): ServerPlace {
  const found = form.exec(rest)
  if (!found) throw invalid('the URL is not one of a server', example)
  const [, username, password, hosts = '', path] = found
  const addressOf = (text: string): Address => {
    const parts = /^(\[[0-9a-f:.]+\]|[^:]*)(?::(\d+))?$/i.exec(text)
    const port = Number(parts?.[2] ?? portDefault)
    if (!parts?.[1] || port < 1 || port > 65_535) {
      throw invalid(`${JSON.stringify(text)} is not host:port`, example)
    }
    return { host: parts[1].replace(/^\[|\]$/g, ''), port }
  }
  const what = 'user or password of the URL'
  return {
    addresses: (hosts === '' ? 'localhost' : hosts).split(',').map(addressOf),
    username: username ? decoded(username, what, invalid) : undefined,
    password: password ? decoded(password, what, invalid) : undefined,
    path,
  }
}

/** Without its percent signs. @throws what `invalid` makes of wrong ones */
export function decoded(text: string, what: string, invalid: Invalid): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid(
      `${what} has a % that is not followed by two hex digits`,
      'A percent sign itself is written %25.',
    )
  }
}

/** Where a password is not written by its codes it is cut, and no half of it may be shown. */
export function checkWritten(
  rest: string,
  options: ReadonlyMap<string, string>,
  known: readonly string[],
  invalid: Invalid,
): void {
  const refuse = (text: string, sign: string) =>
    invalid(
      `the URL has ${text}`,
      `In user and password ${sign} is written ${encodeURIComponent(sign)}.`,
    )
  if (/@.*@/.test(rest)) throw refuse('more than one @', '@')
  if (/^\/\/.*\/.*@/.test(rest)) throw refuse('a / before its @', '/')
  const unknown = [...options].find(([name]) => !known.includes(name))
  const isCut = !rest.includes('@') && unknown?.some((text) => text.includes('@'))
  if (isCut) throw refuse('a ? before its @', '?')
}
