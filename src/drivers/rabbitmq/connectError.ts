import type { NarrowcastError } from '../../core/errors.ts'
import type { Address } from '../_shared/serverPlace.ts'
import type { RabbitmqTarget } from './options.ts'
import type { Overheard } from './overheard.ts'
import { rabbitmqError, replyTextOf } from './rabbitmqErrors.ts'

export interface Tried {
  readonly address: Address
  readonly target: RabbitmqTarget
  readonly told: Overheard
  /** It was given up: for want of an answer, or by the caller. */
  readonly isOver: boolean
}

/** Why a node could not be connected to. What another node of the cluster may do better is CONNECT_FAILED or UNAVAILABLE. */
export function connectError(error: unknown, tried: Tried): NarrowcastError {
  const { address, target, told } = tried
  const place = placeOf(address)
  const text = replyTextOf(error)
  const refused = refusalOf(told.refusal ?? text, target)
  if (refused !== null) {
    const [code, why, hint] = refused
    return rabbitmqError(code, 'connect', `${place}: ${why}`, { cause: error, hint })
  }
  const [why, hint] = explained(error, text, tried)
  const cannot = `cannot reach ${place}: ${why}`
  return rabbitmqError('CONNECT_FAILED', 'connect', cannot, { cause: error, hint })
}

type Refusal = ['LOGIN_REFUSED' | 'NOT_FOUND' | 'UNAVAILABLE', string, string]

/** What a server says before it ends the connection. @see https://www.rabbitmq.com/docs/access-control */
function refusalOf(text: string, { username, vhost }: RabbitmqTarget): Refusal | null {
  const where = JSON.stringify(vhost)
  if (/ACCESS.REFUSED/.test(text)) {
    return ['LOGIN_REFUSED', `user ${username} is refused`, loginHint(username)]
  }
  if (/vhost .* not found/s.test(text)) {
    const hint = `Make it: rabbitmqctl add_vhost ${vhost}\nThe default one is / and is left out in a URL.`
    return ['NOT_FOUND', `there is no vhost ${where}`, hint]
  }
  if (/limit .* is reached| is down/s.test(text)) return ['UNAVAILABLE', text, unavailableHint]
  if (/access to vhost .* refused/s.test(text)) {
    const hint = `Allow it: rabbitmqctl set_permissions -p ${vhost} ${username} '.*' '.*' '.*'`
    return ['LOGIN_REFUSED', `user ${username} may not use the vhost ${where}`, hint]
  }
  return null
}

const unavailableHint = 'rabbitmqctl status, list_vhosts and list_connections tell more.'

function loginHint(username: string): string {
  const hint = 'Check user and password of the URL.'
  return username === 'guest'
    ? `${hint} RabbitMQ takes guest from its own machine only; other machines need a user that you make.`
    : hint
}

function explained(
  error: unknown,
  text: string,
  { address: { host, port }, target: { tls }, told, isOver }: Tried,
): [string, string] {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const other = `Does another program listen on port ${port} of ${host}?`
  const tryTls = tls === null ? `${other} If it is a RabbitMQ with TLS: amqps://.` : other
  const { protocol } = told
  if (protocol === 'tls')
    return ['what answers speaks TLS', 'With TLS the URL begins with amqps://.']
  if (protocol === 'another version') {
    return [
      'what answers speaks another version of AMQP than 0-9-1',
      `${other} RabbitMQ listens on 5672.`,
    ]
  }
  if (protocol === 'foreign') return ['what answers does not speak AMQP', tryTls]
  if (isOver && told.isAccepted) return ['it took the connection and said nothing', tryTls]
  if (isOver || code === 'ETIMEDOUT') {
    return ['no answer', 'Check host and port of the URL, and the firewalls between.']
  }
  if (code === 'ECONNREFUSED') {
    return [text || code, `Is RabbitMQ running? Nothing listens on port ${port} of ${host}.`]
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return [`there is no host ${host}`, 'Check the host in the URL.']
  }
  if (tls !== null && isOfTls(code, text)) return tlsTrouble(code, text)
  if (/closed abruptly/.test(text) || code === 'ECONNRESET' || code === 'EPIPE') {
    return ['it closed the connection at once', tryTls]
  }
  return [text, 'Check host and port of the URL, and the network between.']
}

const isOfTls = (code: string, text: string) =>
  /SSL|TLS|CERT|SIGNATURE|SIGNED/.test(code) || /SSL routines/.test(text)

function tlsTrouble(code: string, text: string): [string, string] {
  if (/wrong version number|packet length too long/i.test(text)) {
    return ['what answers does not speak TLS', 'Without TLS the URL begins with amqp://.']
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return [text, 'Use a host in the URL that the certificate of the server names.']
  }
  if (/certificate required|handshake failure|alert/i.test(text)) {
    return [text, 'The server wants a certificate of ours: amqps://…?cert=FILE&key=FILE.']
  }
  return [text, 'Say who has signed the certificate of the server: amqps://…?ca=FILE.']
}

const placeOf = ({ host, port }: Address) => `${host.includes(':') ? `[${host}]` : host}:${port}`
