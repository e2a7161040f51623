import type { NarrowcastError } from '../../../core/errors.ts'
import type { Address } from '../../_shared/serverPlace.ts'
import { kafkaError } from '../kafkaErrors.ts'
import type { KafkaTarget } from '../options.ts'
import { placeOf } from './link.ts'

/** Why a node could not be connected to. What another node may do better is CONNECT_FAILED. */
export function connectError(
  error: unknown,
  address: Address,
  { tls, login }: KafkaTarget,
): NarrowcastError {
  const place = placeOf(address)
  const all = causesOf(error)
  const text = textOf(all)
  if (/SASL|authenticat/i.test(text)) {
    const who = login === null ? 'who names no user' : `user ${login.username}`
    const hint =
      'Check user and password of the URL, and its option sasl: plain, scram-256 or scram-512.'
    return kafkaError('LOGIN_REFUSED', 'connect', `${place}: ${who} is refused`, {
      cause: error,
      hint,
    })
  }
  const [why, hint] = explained(all, text, address, tls !== null)
  const cannot = `cannot reach ${place}: ${why}`
  return kafkaError('CONNECT_FAILED', 'connect', cannot, { cause: error, hint })
}

function explained(
  all: readonly Error[],
  text: string,
  { host, port }: Address,
  isTls: boolean,
): [string, string] {
  const codes = all.map((one) => ('code' in one ? String(one.code) : ''))
  const has = (...names: string[]) => codes.some((code) => names.includes(code))
  const other = `Does another program listen on port ${port} of ${host}?`
  if (has('ECONNREFUSED')) {
    return [
      `connect ECONNREFUSED ${host}:${port}`,
      `Is Kafka running? Nothing listens on port ${port} of ${host}.`,
    ]
  }
  if (has('ENOTFOUND', 'EAI_AGAIN'))
    return [`there is no host ${host}`, 'Check the host in the URL.']
  if (/requires TLS/i.test(text))
    return ['it speaks TLS', 'With TLS the URL begins with kafkas://.']
  if (
    isTls &&
    (/TLS|SSL|CERT|certificate/.test(text) || codes.some((code) => /SSL|TLS|CERT/.test(code)))
  ) {
    return tlsTrouble(codes, text)
  }
  if (/timed out/i.test(text)) {
    return ['no answer', `Check host and port of the URL, and the firewalls between. ${other}`]
  }
  if (/closed/i.test(text) || has('ECONNRESET', 'EPIPE')) {
    const login =
      'Kafka does so where it wants a login: kafka://user:password@host, or TLS: kafkas://.'
    return ['it closed the connection at once', `${other} ${login}`]
  }
  return [text, 'Check host and port of the URL, and the network between.']
}

function tlsTrouble(codes: readonly string[], text: string): [string, string] {
  if (/wrong version number|packet length too long|before secure TLS|supports TLS/i.test(text)) {
    return ['what answers does not speak TLS', 'Without TLS the URL begins with kafka://.']
  }
  if (codes.includes('ERR_TLS_CERT_ALTNAME_INVALID')) {
    return [text, 'Use a host in the URL that the certificate of the server names.']
  }
  if (/certificate required|handshake failure|alert/i.test(text)) {
    return [text, 'The server wants a certificate of ours: kafkas://…?cert=FILE&key=FILE.']
  }
  return [text, 'Say who has signed the certificate of the server: kafkas://…?ca=FILE.']
}

/** The client wraps what happened, once or more. */
function causesOf(error: unknown): Error[] {
  const all: Error[] = []
  for (let at = error; at instanceof Error && all.length < 10; at = at.cause) {
    all.push(at)
    if (at instanceof AggregateError) all.push(...at.errors.flatMap(causesOf))
  }
  return all
}

const textOf = (all: readonly Error[]) => all.at(-1)?.message ?? 'no reason was given'
