import { decoded, type Invalid } from '../../_shared/serverPlace.ts'

export interface Login {
  readonly username: string
  readonly password: string
}

/** Where the management plugin answers. */
export interface ManagementTarget {
  /** `http://rabbit.example.org:15672`: without the login, fit for every output. */
  readonly place: string
  /** Null: that of the broker. */
  readonly login: Login | null
}

const example =
  'Expected for example ?management=http://rabbit.example.org:15672; one with a password of special characters is written by encodeURIComponent().'

/** Null: it was not asked for. */
export function managementOf(text: string | undefined, invalid: Invalid): ManagementTarget | null {
  if (text === undefined) return null
  const url = URL.parse(text)
  const isPlain = url !== null && url.search === '' && url.hash === ''
  if (!isPlain || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    throw invalid('URL option management is not the address of a management plugin', example)
  }
  const what = 'user or password of URL option management'
  const place = `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`
  if (url.username === '') return { place, login: null }
  const login = {
    username: decoded(url.username, what, invalid),
    password: decoded(url.password, what, invalid),
  }
  return { place, login }
}
